import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { TemporaryDirectory, until } from "@servehttp/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createPluginHost } from "./create-plugin-host.js";
import type { CommandPluginOptions, HostOptions } from "./options/options.js";
import { logRecords } from "./test-rig/log-records.js";

const sdk = pathToFileURL(createRequire(import.meta.url).resolve("@servehttp/plugin-sdk")).href;

const script = `
import { servePlugin } from ${JSON.stringify(sdk)};
if (process.env.BROKEN !== undefined) {
  throw new Error("the cat sat on the keyboard");
}
await servePlugin({
  async serveHTTP(request, response) {
    if (request.url === "/hold") {
      await response.write("held");
      await new Promise((resolve) => { request.signal.addEventListener("abort", resolve); });
    }
    const { user } = request.context;
    await response.end([process.pid, process.env.NAME, request.headers.get("x-user"), user].join());
  },
});
`;

let directory: TemporaryDirectory;
beforeAll(async () => {
  directory = await TemporaryDirectory.make();
  writeFileSync(directory.at("plugin.mjs"), script);
});
afterAll(() => directory[Symbol.asyncDispose]());

function plugin(env: Readonly<Record<string, string>> = {}): CommandPluginOptions {
  return { command: [process.execPath, directory.at("plugin.mjs")], env };
}

async function hostOf(options: HostOptions) {
  const { logger, records } = logRecords();
  const fixed = { logger, timeouts: { startMs: 60_000, waitMs: 60_000 } };
  const host = createPluginHost({ ...fixed, ...options });
  const server = host.attach(createServer());
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  const send = (path: string) => fetch(`http://127.0.0.1:${port}/plugins/${path}`);
  return {
    host,
    fixed,
    records,
    send,
    ask: async (path: string) => {
      const response = await send(path);
      return `${response.status} ${(await response.text()).trim()}`;
    },
    /** The processes that have ever been ready. */
    pids: () =>
      records.filter(({ msg }) => msg === "plugin is ready").map((one) => one["pluginPid"]),
    [Symbol.asyncDispose]: async () => {
      server.close();
      server.closeAllConnections();
      await host.stop({ drainMs: 0 });
    },
  };
}

function isThere(pid: unknown): boolean {
  try {
    return process.kill(Number(pid), 0);
  } catch {
    return false;
  }
}

describe("host.apply", () => {
  it("starts new plugins, replaces changed ones, removes others and leaves the rest alone", async () => {
    const plugins = { same: plugin(), other: plugin({ NAME: "1" }), gone: plugin() };
    await using bridge = await hostOf({ plugins });
    const { host } = bridge;
    await host.start();
    const [same, other, gone] = host.plugins.map(({ pid }) => pid);
    const held = await bridge.send("other/hold");
    const applied = host.apply({
      ...bridge.fixed,
      plugins: { same: plugin(), other: plugin({ NAME: "2" }), added: plugin({ NAME: "3" }) },
    });
    await until(() => host.plugins.some(({ id }) => id === "added"), "the new options");
    // What runs on the old process ends there, and the rest is the new one's.
    expect(await bridge.ask("other/")).toMatch(/^200 \d+,2,,$/);
    expect(await bridge.ask("same/")).toBe(`200 ${same},,,`);
    expect(await bridge.ask("added/")).toMatch(/^200 \d+,3,,$/);
    expect(await bridge.ask("gone/")).toMatch(/^404 /);
    expect(isThere(other)).toBe(true);
    held.body?.cancel().catch(() => undefined);
    expect(await applied).toEqual({
      added: ["added"],
      changed: ["other"],
      removed: ["gone"],
      unchanged: ["same"],
    });
    expect(host.plugins.map(({ id, state }) => `${id} ${state}`)).toEqual([
      "same ready",
      "other ready",
      "added ready",
    ]);
    expect([isThere(other), isThere(gone)]).toEqual([false, false]);
  });

  it("changes nothing when one plugin of several does not start", async () => {
    await using bridge = await hostOf({ plugins: { one: plugin(), two: plugin() } });
    const { host } = bridge;
    await host.start();
    const before = host.plugins.map(({ id, pid }) => ({ id, pid, state: "ready" }));
    const applied = host.apply({
      ...bridge.fixed,
      plugins: { one: plugin({ NAME: "2" }), broken: plugin({ BROKEN: "" }), good: plugin() },
    });
    await expect(applied).rejects.toMatchObject({
      code: "connection-failed",
      message: expect.stringMatching(
        /^nothing was changed: plugin broken: it exited with code 1.*the cat sat on the keyboard/s,
      ),
    });
    expect(host.plugins).toMatchObject(before);
    expect(await bridge.ask("one/")).toBe(`200 ${before[0]?.pid},,,`);
    expect(await bridge.ask("good/")).toMatch(/^404 /);
    const started = bridge.pids().filter((pid) => !before.some((one) => one.pid === pid));
    expect(started.filter(isThere)).toEqual([]);
  });

  it("changes nothing when the host is stopped meanwhile, and starts nothing behind the stop", async () => {
    await using bridge = await hostOf({ plugins: { one: plugin() } });
    const { host } = bridge;
    await host.start();
    const plugins = { one: plugin({ NAME: "2" }), two: plugin() };
    await Promise.all([
      expect(host.apply({ ...bridge.fixed, plugins })).rejects.toMatchObject({
        code: "host-stopping",
        message: "nothing was changed: the host was stopped meanwhile",
      }),
      // It waits for its turn, and was called before the stop.
      expect(host.add("three", plugin())).rejects.toMatchObject({ code: "host-stopping" }),
      host.stop(),
    ]);
    expect(host.plugins).toMatchObject([{ id: "one", state: "stopped" }]);
    expect(bridge.pids().filter(isThere)).toEqual([]);
  });

  it("changes options before the start without starting anything", async () => {
    await using bridge = await hostOf({ plugins: { one: plugin({ NAME: "1" }) } });
    const { host } = bridge;
    await host.apply({ ...bridge.fixed, plugins: { one: plugin({ NAME: "2" }), two: plugin() } });
    expect(host.plugins).toMatchObject([
      { id: "one", state: "stopped" },
      { id: "two", state: "stopped" },
    ]);
    await host.start();
    expect(await bridge.ask("one/")).toMatch(/^200 \d+,2,,$/);
  });

  it("asks the new identity and context", async () => {
    const plugins = { one: plugin() };
    await using bridge = await hostOf({ plugins, identity: () => ({ "x-user": "ann" }) });
    const { host } = bridge;
    await host.start();
    expect(await bridge.ask("one/")).toMatch(/,ann,$/);
    const context = () => ({ user: "bob" });
    const identity = () => ({ "x-user": "eve" });
    await host.apply({ ...bridge.fixed, plugins, identity, context });
    expect(await bridge.ask("one/")).toMatch(/,eve,bob$/);
    // The names that were the host's stay the host's.
    await host.apply({ ...bridge.fixed, plugins });
    const { port } = new URL((await bridge.send("one/")).url);
    const forged = await fetch(`http://127.0.0.1:${port}/plugins/one/`, {
      headers: { "x-user": "root" },
    });
    expect(await forged.text()).toMatch(/^\d+,,,$/);
  });

  it("takes handlers for processes and back, and moves host names", async () => {
    const handler: NonNullable<HostOptions["plugins"]>[string] = {
      handler: (_request, response) => void response.end("in process"),
      hosts: ["notes.test"],
    };
    await using bridge = await hostOf({ plugins: { one: handler } });
    const { host } = bridge;
    await host.start();
    await host.apply({
      ...bridge.fixed,
      plugins: { one: plugin(), two: handler },
    });
    expect(await bridge.ask("one/")).toMatch(/^200 \d+,/);
    expect(await bridge.ask("two/")).toBe("200 in process");
    const [pid] = bridge.pids();
    await host.apply({ ...bridge.fixed, plugins: { one: handler } });
    expect(await bridge.ask("one/")).toBe("200 in process");
    expect(isThere(pid)).toBe(false);
    const taken = host.apply({ ...bridge.fixed, plugins: { one: handler, two: handler } });
    await expect(taken).rejects.toThrow(
      'plugins.two.hosts: got "notes.test", allowed is a host name that no other plugin has; "one" has it',
    );
  });

  it("refuses what createPluginHost refuses, and what can't change, by its name", async () => {
    const host = createPluginHost({ logger: false, plugins: {} });
    const refused = async (options: unknown) =>
      await host.apply(options as HostOptions).then(
        () => "applied",
        ({ code, message }: { code: string; message: string }) => `${code}: ${message}`,
      );
    expect(await refused({ logger: false, plugins: { "a/b": plugin() } })).toBe(
      'invalid-argument: plugins: got "a/b", allowed is an id of 1 to 128 letters, digits, "_", "." and "-", neither "." nor ".."',
    );
    expect(await refused(undefined)).toMatch(/^invalid-argument: options: got undefined/);
    const other = { prefix: "/p", publicPath: "/x", chunkBytes: 5, edge: { upgrades: [] } };
    expect(await refused({ ...other, enabled: false })).toBe(
      "invalid-argument: prefix, publicPath, enabled, edge, chunkBytes, logger: can't change while the host runs; make a new host for that",
    );
    expect(await refused({ logger: false, prefix: "/plugins/", edge: {} })).toBe("applied");
  });
});
