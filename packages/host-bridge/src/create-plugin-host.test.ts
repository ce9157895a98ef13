import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type PluginHandler, type RunningPlugin, servePlugin } from "@servehttp/plugin-sdk";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { until } from "@servehttp/testkit";
import { createPluginHost, type PluginHost } from "./create-plugin-host.js";
import { logRecords } from "./test-rig/log-records.js";
import { RawClient } from "./test-rig/raw-client.js";

let directory = "";
let count = 0;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "cph-"));
});
afterEach(async () => {
  await rm(directory, { recursive: true, force: true });
});

/** A plugin whose every answer is its name; what is asked of `/wait` waits for `go`. */
async function pluginNamed(
  name: string,
  handler: PluginHandler = { serveHTTP: (_request, response) => response.end(name) },
): Promise<RunningPlugin> {
  count += 1;
  return await servePlugin(handler, {
    address: `unix:${join(directory, `${count}.sock`)}`,
    logger: logRecords().logger,
    drainMs: 10_000,
  });
}

async function serving(host: PluginHost) {
  const server = host.attach(createServer());
  server.listen(0, "127.0.0.1");
  await until(() => server.listening, "the server listens");
  const { port } = server.address() as { port: number };
  return {
    port,
    ask: async (path: string) => {
      const response = await fetch(`http://127.0.0.1:${port}${path}`);
      return `${response.status} ${await response.text()}`;
    },
    [Symbol.asyncDispose]: async () => {
      server.close();
      server.closeAllConnections();
      await host.stop({ drainMs: 0 });
    },
  };
}

describe("a plugin host", () => {
  it("tells of exchanges that are open, on processes that drain as well, and breaks one off", async () => {
    await using plugin = await pluginNamed("notes", {
      serveHTTP: async (request) => {
        await once(request.signal, "abort");
      },
    });
    const host = createPluginHost({ logger: false, plugins: { notes: { url: plugin.address } } });
    await host.start();
    await using server = await serving(host);
    const asked = server.ask("/plugins/notes/slow?key=1");
    await until(() => host.exchanges.length === 1, "the exchange");
    const reloaded = host.reload("notes");
    await host.reload("notes", { until: "ready" });
    const [open] = host.exchanges;
    expect(open).toMatchObject({ plugin: "notes", path: "/slow", state: "unanswered" });
    expect([host.breakExchange("none"), host.breakExchange(open?.id ?? "")]).toEqual([false, true]);
    expect(await asked).toMatch(/^503 /);
    expect([host.exchanges, host.breakExchange(open?.id ?? "")]).toEqual([[], false]);
    await reloaded;
  });

  it("shares requests among urls, and goes on with one of them down", async () => {
    const one = await pluginNamed("one");
    await using two = await pluginNamed("two");
    const host = createPluginHost({
      logger: false,
      plugins: { notes: { url: [one.address, two.address] } },
    });
    await host.start();
    await using server = await serving(host);
    const names = new Set<string>();
    for (let round = 0; round < 4; round += 1) {
      const answers = await Promise.all([
        server.ask("/plugins/notes/"),
        server.ask("/plugins/notes/"),
      ]);
      for (const answer of answers) {
        names.add(answer);
      }
    }
    expect(names).toEqual(new Set(["200 one", "200 two"]));
    await one.close();
    for (let round = 0; round < 10; round += 1) {
      expect(await server.ask("/plugins/notes/")).toBe("200 two");
    }
    expect(host.plugins[0]?.state).toBe("ready");
  });

  it("lets the exchanges of a closing plugin end, and sends it nothing new", async () => {
    const go = Promise.withResolvers<void>();
    const closing = await pluginNamed("closing", {
      async serveHTTP(_request, response) {
        await response.write("first ");
        await response.flush();
        await go.promise;
        await response.end("second");
      },
    });
    await using other = await pluginNamed("other");
    const host = createPluginHost({
      logger: false,
      plugins: { notes: { url: [closing.address, other.address] } },
    });
    await host.start();
    await using server = await serving(host);
    using client = await RawClient.connect(server.port);
    // Either of the two may get a request.
    const isAtClosing = async (): Promise<boolean> => {
      client.send("GET /plugins/notes/ HTTP/1.1", "Host: a", "", "");
      await until(() => /first |other/.test(client.received), "an answer");
      const isThere = client.received.includes("first ");
      await client.take(isThere ? "first " : "other");
      return isThere;
    };
    while (!(await isAtClosing())) {
      // It is the other one's.
    }
    const closed = closing.close();
    for (let round = 0; round < 5; round += 1) {
      expect(await server.ask("/plugins/notes/")).toBe("200 other");
    }
    go.resolve();
    await client.take("second");
    await closed;
  });

  it("adds, reloads and removes plugins while it runs", async () => {
    await using plugin = await pluginNamed("late");
    const host = createPluginHost({ logger: false });
    const states: string[] = [];
    const off = host.onStateChange(({ id, state }) => void states.push(`${id} ${state}`));
    await host.start();
    await using server = await serving(host);
    expect(await server.ask("/plugins/late/")).toMatch(/^404 /);
    await host.add("late", { url: plugin.address });
    expect(await server.ask("/plugins/late/")).toBe("200 late");
    await expect(host.add("late", { url: plugin.address })).rejects.toMatchObject({
      code: "invalid-argument",
    });
    await Promise.all([host.reload("late"), host.reload("late")]);
    expect(await server.ask("/plugins/late/")).toBe("200 late");
    await Promise.all([host.remove("late"), host.remove("late")]);
    expect(await server.ask("/plugins/late/")).toMatch(/^404 /);
    await expect(host.remove("late")).rejects.toMatchObject({ code: "invalid-argument" });
    await expect(host.reload("late")).rejects.toMatchObject({ code: "invalid-argument" });
    expect(states.slice(0, 2)).toEqual(["late starting", "late ready"]);
    const told = states.length;
    off();
    await host.add("late", { url: plugin.address });
    expect(states.length).toBe(told);
    expect(host.plugins.map(({ id }) => id)).toEqual(["late"]);
  });

  it("keeps a plugin that did not start when it was added, and tries again", async () => {
    const host = createPluginHost({ logger: false });
    await using _ = host;
    const address = `unix:${join(directory, "later.sock")}`;
    await expect(host.add("later", { url: address })).rejects.toMatchObject({
      code: "connection-failed",
    });
    expect(host.plugins[0]?.state).toBe("backing-off");
    await using plugin = await servePlugin({ serveHTTP: () => undefined }, { address });
    await until(() => host.plugins[0]?.state === "ready", "it is connected");
    expect(plugin.address).toBe(address);
  });

  it("starts twice and stops twice, in any order, and starts again", async () => {
    await using plugin = await pluginNamed("again");
    const host = createPluginHost({ logger: false, plugins: { again: { url: plugin.address } } });
    await host.stop();
    await Promise.all([host.start(), host.start()]);
    await host.start();
    await using server = await serving(host);
    expect(await server.ask("/plugins/again/")).toBe("200 again");
    await Promise.all([host.stop(), host.stop()]);
    expect(await server.ask("/plugins/again/")).toMatch(/^503 /);
    await host.start();
    expect(await server.ask("/plugins/again/")).toBe("200 again");
  });

  it("drains when it stops, and breaks what is left", async () => {
    const go = Promise.withResolvers<void>();
    const reasons: unknown[] = [];
    await using plugin = await pluginNamed("drained", {
      async serveHTTP(request, response) {
        await response.write("first ");
        await response.flush();
        if (request.url === "/hangs") {
          request.signal.addEventListener("abort", () => {
            reasons.push((request.signal.reason as { code: string }).code);
          });
          return await new Promise(() => undefined);
        }
        await go.promise;
        return await response.end("second");
      },
    });
    const host = createPluginHost({ logger: false, plugins: { notes: { url: plugin.address } } });
    await host.start();
    await using server = await serving(host);
    using ending = await RawClient.connect(server.port);
    ending.send("GET /plugins/notes/ends HTTP/1.1", "Host: a", "", "");
    await ending.take("first ");
    using hanging = await RawClient.connect(server.port);
    hanging.send("GET /plugins/notes/hangs HTTP/1.1", "Host: a", "", "");
    await hanging.take("first ");
    const stop = host.stop({ drainMs: 60_000 });
    expect(await server.ask("/plugins/notes/")).toMatch(/^503 /);
    go.resolve();
    await ending.take("second");
    await Promise.all([stop, host.stop({ drainMs: 0 })]);
    await hanging.hostEnded();
    expect(hanging.received).not.toContain("0\r\n\r\n");
    expect(host.plugins[0]).toMatchObject({
      state: "stopped",
      inFlight: 0,
      outcomes: { ok: 1, "host-stopping": 1 },
    });
    await until(() => reasons.length > 0, "the handler hears of it");
    expect(reasons).toEqual(["host-stopping"]);
  });

  it("starts no plugin where plugins are switched off", async () => {
    const host = createPluginHost({
      logger: false,
      enabled: false,
      plugins: { notes: { url: "http://127.0.0.1:1" } },
    });
    await host.start();
    await using server = await serving(host);
    expect(await server.ask("/plugins/notes/")).toMatch(/^501 /);
    await expect(host.add("more", { url: "http://127.0.0.1:1" })).rejects.toMatchObject({
      code: "invalid-argument",
    });
    expect(host.plugins).toEqual([]);
  });

  it.each<[string, () => unknown]>([
    [
      "throws",
      () => {
        throw new Error("a watcher's own");
      },
    ],
    ["rejects", () => Promise.reject(new Error("a watcher's own"))],
    [
      "throws an error that is frozen",
      () => {
        throw Object.freeze(new Error("a watcher's own"));
      },
    ],
  ])("H1 supervises on where a listener of state changes %s", async (_what, listener) => {
    await using plugin = await pluginNamed("watched");
    const { logger, records } = logRecords();
    const host = createPluginHost({ logger, plugins: { watched: { url: plugin.address } } });
    host.onStateChange(listener);
    await host.start();
    expect(host.plugins[0]?.state).toBe("ready");
    await host.stop();
    expect(records).toContainEqual(
      expect.objectContaining({ err: expect.objectContaining({ message: "a watcher's own" }) }),
    );
  });
});
