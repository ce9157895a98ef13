import { once } from "node:events";
import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { TemporaryDirectory, turns, until } from "@servehttp/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createPluginHost } from "./create-plugin-host.js";
import type { HostOptions, PluginOptions } from "./options/options.js";
import { logRecords } from "./test-rig/log-records.js";
import { RawClient } from "./test-rig/raw-client.js";

const sdk = pathToFileURL(createRequire(import.meta.url).resolve("@servehttp/plugin-sdk")).href;

/** A plugin: what it is asked for by its path, it does. */
const script = `
import { servePlugin } from ${JSON.stringify(sdk)};
const tunnels = new Set();
let running = 0;
process.on("SIGTERM", () => {
  for (const socket of tunnels) {
    // A WebSocket's close frame with the code 1012 (RFC 6455, section 5.5.1).
    socket.end(Buffer.from([0x88, 0x02, 0x03, 0xf4]));
  }
});
await servePlugin({
  async serveHTTP(request, response) {
    switch (request.url) {
      case "/pid":
        return response.end(String(process.pid));
      case "/running":
        return response.end(String(running));
      case "/throw":
        throw new Error("the cat sat on the keyboard");
      case "/slow":
        running += 1;
        return new Promise((resolve) => setTimeout(() => resolve(response.end("done")), 500));
      case "/tunnel": {
        const { socket } = await response.hijack();
        socket.write("HTTP/1.1 101 Switching Protocols\\r\\n\\r\\n");
        tunnels.add(socket);
        return new Promise((resolve) => socket.once("close", resolve));
      }
    }
  },
});
`;

let directory: TemporaryDirectory;
let plugin: PluginOptions & { readonly command: readonly string[] };
beforeAll(async () => {
  directory = await TemporaryDirectory.make();
  writeFileSync(directory.at("plugin.mjs"), script);
  plugin = { command: [process.execPath, directory.at("plugin.mjs")] };
});
afterAll(() => directory[Symbol.asyncDispose]());

async function hostOf(plugins: NonNullable<HostOptions["plugins"]>, options: HostOptions = {}) {
  const { logger, records } = logRecords();
  const timeouts = { startMs: 60_000, waitMs: 60_000, ...options.timeouts };
  const host = createPluginHost({ logger, ...options, plugins, timeouts });
  const server = host.attach(createServer());
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  return {
    host,
    port,
    records,
    ask: async (path: string) => {
      const response = await fetch(`http://127.0.0.1:${port}/plugins/${path}`);
      return `${response.status} ${await response.text()}`;
    },
    [Symbol.asyncDispose]: async () => {
      server.close();
      server.closeAllConnections();
      await host.stop({ drainMs: 0 });
    },
  };
}

describe("plugin processes", () => {
  it("says why nothing starts, and serves the plugin once it can (H4)", async () => {
    const late = directory.at("late");
    const { TMPDIR } = process.env;
    process.env["TMPDIR"] = late;
    try {
      await using bridge = await hostOf({ notes: plugin });
      await bridge.host.start();
      expect(bridge.records.filter(({ level }) => Number(level) >= 40)[0]).toMatchObject({
        plugin: "notes",
        msg: expect.stringContaining(`${late}, which does not exist: create it, or set TMPDIR`),
      });
      expect(bridge.host.plugins[0]).toMatchObject({
        state: "backing-off",
        failures: [{ code: "unavailable", exitCode: undefined, stderr: [] }],
      });
      mkdirSync(late);
      expect(await bridge.ask("notes/running")).toBe("200 0");
    } finally {
      process.env["TMPDIR"] = TMPDIR;
      if (TMPDIR === undefined) {
        delete process.env["TMPDIR"];
      }
    }
  });

  it("says once that start was never called (H4)", async () => {
    await using bridge = await hostOf({ notes: plugin, more: plugin });
    for (const id of ["notes", "more", "notes"]) {
      expect(await bridge.ask(`${id}/`)).toMatch(/^503 /);
    }
    expect(bridge.records).toMatchObject([
      { level: 50, plugin: "notes", msg: expect.stringContaining("call host.start()") },
    ]);
  });

  it("stays stopped when it is stopped right behind its start (H4)", async () => {
    for (const wait of [0, 1, 2, 5, 10, 100]) {
      const { host } = await hostOf({ notes: plugin });
      const started = host.start();
      await turns(wait);
      await host.stop();
      await started;
      expect(host.plugins[0]).toMatchObject({ state: "stopped", pid: undefined });
    }
  });

  it("logs a handler's error at level error, with its stack, and each key once (H3)", async () => {
    await using bridge = await hostOf({ notes: plugin });
    await bridge.host.start();
    expect(await bridge.ask("notes/throw")).toMatch(/^500 /);
    const about = () => bridge.records.filter((one) => JSON.stringify(one).includes("the cat sat"));
    await until(() => about().length > 0, "the record of the plugin");
    expect(about()).toMatchObject([
      {
        level: 50,
        plugin: "notes",
        pluginPid: bridge.host.plugins[0]?.pid,
        err: {
          message: "the cat sat on the keyboard",
          stack: expect.stringMatching(/^Error: the cat sat on the keyboard\n +at /),
        },
      },
    ]);
  });

  it("costs no request but those that ran when a plugin is killed (L8, O1)", async () => {
    await using bridge = await hostOf({ notes: plugin });
    await bridge.host.start();
    const pids = new Set<string>();
    for (let kill = 0; kill < 3; kill += 1) {
      pids.add(await bridge.ask("notes/pid"));
      process.kill(bridge.host.plugins[0]?.pid ?? 0, "SIGKILL");
      await until(() => bridge.host.plugins[0]?.state !== "ready", "the loss is seen");
      const answers = await Promise.all(Array.from({ length: 10 }, () => bridge.ask("notes/pid")));
      expect(new Set(answers).size).toBe(1);
      expect(answers[0]).toMatch(/^200 \d+$/);
    }
    expect(pids.size).toBe(3);
    const { failures } = bridge.host.plugins[0]!;
    expect(failures.map(({ signal }) => signal)).toEqual(["SIGKILL", "SIGKILL", "SIGKILL"]);
  });

  it.each(["mux", "stream"] as const)(
    "lets what runs end when somebody ends the process by SIGTERM (S3, %s)",
    async (carrier) => {
      await using bridge = await hostOf({ notes: { ...plugin, carrier } });
      await bridge.host.start();
      const before = await bridge.ask("notes/pid");
      const slow = bridge.ask("notes/slow");
      while ((await bridge.ask("notes/running")) !== "200 1") {
        await turns(1);
      }
      process.kill(bridge.host.plugins[0]?.pid ?? 0, "SIGTERM");
      await until(() => bridge.host.plugins[0]?.state !== "ready", "it is seen to close");
      const next = bridge.ask("notes/pid");
      expect(await slow).toBe("200 done");
      expect(await next).toMatch(/^200 \d+$/);
      expect(await next).not.toBe(before);
    },
  );

  it("replaces a stopped process within seconds, and lets requests wait for that (S6)", async () => {
    await using bridge = await hostOf({ notes: plugin });
    await bridge.host.start();
    const before = await bridge.ask("notes/pid");
    process.kill(bridge.host.plugins[0]?.pid ?? 0, "SIGSTOP");
    // It goes out before the first miss, and is lost with the process.
    const held = bridge.ask("notes/pid");
    await until(() => bridge.host.plugins[0]!.failures.length > 0, "it is found to hang");
    expect(await held).toMatch(/^502 /);
    const after = await bridge.ask("notes/pid");
    expect(after).toMatch(/^200 /);
    expect(after).not.toBe(before);
    expect(bridge.host.plugins[0]?.failures).toMatchObject([
      { code: "deadline", signal: "SIGKILL" },
    ]);
  });

  it("tells WebSockets that a reload closes them, where the plugin does (L5)", async () => {
    await using bridge = await hostOf({ notes: plugin });
    await bridge.host.start();
    using client = await RawClient.connect(bridge.port);
    const upgrade = ["Connection: Upgrade", "Upgrade: websocket"];
    client.send("GET /plugins/notes/tunnel HTTP/1.1", "Host: a", ...upgrade, "", "");
    await client.take("\r\n\r\n");
    const before = bridge.host.plugins[0]?.pid;
    const reloaded = bridge.host.reload("notes");
    await client.take("\x88\x02\x03\xf4");
    client.socket.end();
    await reloaded;
    expect(bridge.host.plugins[0]).toMatchObject({ state: "ready", failures: [] });
    expect(bridge.host.plugins[0]?.pid).not.toBe(before);
    expect(existsSync(`/proc/${before}`)).toBe(false);
  });

  it("leaves no file when it has stopped", async () => {
    const { host, ask } = await hostOf({ notes: plugin, more: plugin });
    const { TMPDIR } = process.env;
    process.env["TMPDIR"] = directory.path;
    try {
      const before = readdirSync(directory.path);
      await host.start();
      expect(await ask("more/running")).toBe("200 0");
      expect(readdirSync(directory.path).length).toBe(before.length + 1);
      await host.stop();
      expect(readdirSync(directory.path)).toEqual(before);
    } finally {
      process.env["TMPDIR"] = TMPDIR;
      if (TMPDIR === undefined) {
        delete process.env["TMPDIR"];
      }
    }
  });
});
