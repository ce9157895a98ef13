import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { TemporaryDirectory, turns, until } from "@servehttp/testkit";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createPluginHost, createWorkerHost, type PluginHost } from "../create-plugin-host.js";
import type { HostOptions } from "../options/options.js";
import { ChannelEnd } from "../test-rig/channel-pair.js";
import { logRecords } from "../test-rig/log-records.js";
import { measuring } from "../test-rig/measuring.js";
import { RawClient } from "../test-rig/raw-client.js";

const sdk = pathToFileURL(createRequire(import.meta.url).resolve("@servehttp/plugin-sdk")).href;

/** A plugin: what it is asked for by its path, it does. */
const script = `
import { servePlugin } from ${JSON.stringify(sdk)};
const tunnels = new Set();
const held = [];
process.on("SIGUSR2", () => held.splice(0).forEach((resolve) => resolve()));
process.on("SIGTERM", () => {
  for (const socket of tunnels) {
    socket.end("bye");
  }
});
await servePlugin({
  async serveHTTP(request, response) {
    const [, path, pid] = /^(\\/[^/]*)(?:\\/(.*))?$/.exec(request.url);
    switch (path) {
      case "/fail":
        response.writeHead(pid === String(process.pid) ? 500 : 200);
        return response.end(String(process.pid));
      case "/pid":
        return response.end(String(process.pid));
      case "/hold":
        await new Promise((resolve) => held.push(resolve));
        return response.end("released by " + process.pid);
      case "/release":
        held.splice(0).forEach((resolve) => resolve());
        return response.end(String(process.pid));
      case "/user":
        return response.end(String(request.headers.get("x-user-id") ?? "nobody"));
      case "/for":
        return response.end(request.headers.get("x-forwarded-for"));
      case "/call":
      case "/call-for": {
        const answer = await request.plugins.fetch("notes", request.url === "/call" ? "/user" : "/for");
        return response.end(await answer.text());
      }
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
let options: HostOptions;
let opened: AsyncDisposableStack;
beforeAll(async () => {
  directory = await TemporaryDirectory.make();
  writeFileSync(directory.at("plugin.mjs"), script);
});
afterAll(() => directory[Symbol.asyncDispose]());
beforeEach(() => {
  opened = new AsyncDisposableStack();
  options = {
    logger: false,
    plugins: {
      notes: { command: [process.execPath, directory.at("plugin.mjs")], mayCall: ["notes"] },
    },
    identity: (request) => ({ "x-user-id": request.headers["x-test-user"]?.toString() }),
    timeouts: { startMs: 60_000, waitMs: 60_000 },
  };
});
afterEach(async () => {
  await opened.disposeAsync();
});

async function supervisorOf(given: HostOptions = options): Promise<PluginHost> {
  const host = createPluginHost(given);
  opened.defer(() => host.stop({ drainMs: 0 }));
  await host.start();
  return host;
}

/** A worker in this process, with a server. */
async function workerOf(supervisor: PluginHost, given: HostOptions = options) {
  const [channel, own] = ChannelEnd.pair();
  supervisor.share(channel);
  const { logger, records } = logRecords();
  const host = createWorkerHost({ ...given, logger }, own);
  const server = host.attach(createServer());
  server.listen(0, "127.0.0.1");
  opened.defer(async () => {
    server.close();
    server.closeAllConnections();
    own.disconnect();
    await host.stop({ drainMs: 0 });
  });
  await host.start();
  if (!server.listening) {
    await once(server, "listening");
  }
  const { port } = server.address() as { port: number };
  return {
    channel,
    host,
    logger,
    own,
    port,
    records,
    ask: async (path: string, headers: Record<string, string> = {}) => {
      const response = await fetch(`http://127.0.0.1:${port}/plugins/notes${path}`, { headers });
      return `${response.status} ${await response.text()}`;
    },
  };
}

function statusOf(host: PluginHost) {
  const [status] = host.plugins;
  if (status === undefined) {
    throw new Error("the host has no plugin");
  }
  return status;
}

it("serves the plugins of the supervisor, and adds up what workers do", async () => {
  const supervisor = await supervisorOf();
  const workers = [await workerOf(supervisor), await workerOf(supervisor)] as const;
  const { pid, since } = statusOf(supervisor);
  for (const { ask, host } of workers) {
    // oxlint-disable-next-line no-await-in-loop -- one after the other
    expect(await ask("/pid")).toBe(`200 ${pid}`);
    expect(statusOf(host)).toMatchObject({ state: "ready", pid, restarts: 0 });
  }
  const held = workers.map(({ ask }) => ask("/hold"));
  await until(() => statusOf(supervisor).inFlight === 2, "two exchanges in flight");
  expect(statusOf(supervisor)).toMatchObject({ state: "ready", since, outcomes: { ok: 2 } });
  await workers[0].ask("/release");
  expect(await Promise.all(held)).toEqual(Array(2).fill(`200 released by ${pid}`));
  await until(() => statusOf(supervisor).outcomes.ok === 5, "five exchanges");
  const { counts } = statusOf(supervisor).headTimes;
  expect(counts.reduce((sum, count) => sum + count)).toBe(5);
});

it("tells of instances over all workers, which eject each for itself", async () => {
  const notes = { ...options.plugins?.["notes"], instances: 2 };
  const given = { ...options, plugins: { notes } } as HostOptions;
  const measured = { supervisor: measuring(), worker: measuring() };
  const { meterProvider } = measured.supervisor;
  const supervisor = await supervisorOf({ ...given, meterProvider });
  const workers = [
    await workerOf(supervisor, { ...given, meterProvider: measured.worker.meterProvider }),
    await workerOf(supervisor, given),
  ] as const;
  const statesOf = (host: PluginHost) => statusOf(host).instances.map(({ state }) => state);
  const [bad = ""] = (await workers[0].ask("/pid")).split(" ").slice(1);
  while (!statesOf(workers[0].host).includes("ejected")) {
    // oxlint-disable-next-line no-await-in-loop -- failures in a row
    await workers[0].ask(`/fail/${bad}`);
  }
  await until(() => statesOf(supervisor).includes("ejected"), "the supervisor has heard of it");
  expect(statesOf(supervisor)).toEqual(statesOf(workers[0].host));
  expect(statesOf(supervisor).toSorted()).toEqual(["ejected", "ready"]);
  expect(statesOf(workers[1].host)).toEqual(["ready", "ready"]);
  // The one that ejects nothing goes on with both.
  const pids = new Set<string>();
  while (pids.size < 2) {
    // oxlint-disable-next-line no-await-in-loop -- until both have answered
    pids.add(await workers[1].ask("/pid"));
  }
  let isHeld = true;
  const held = workers[0].ask("/hold").finally(() => (isHeld = false));
  const busyAt = (host: PluginHost) =>
    statusOf(host).instances.find(({ inFlight }) => inFlight === 1)?.name;
  // What the supervisor has heard may be of a moment when another exchange ran.
  await until(() => {
    const busy = busyAt(workers[0].host);
    return busy !== undefined && busy === busyAt(supervisor);
  }, "its exchange is told of");
  const busy = busyAt(supervisor);
  expect(statusOf(supervisor).instances.find(({ name }) => name === busy)?.state).toBe("ready");
  const asEjected = { "servehttp.instance.state": "ejected" };
  expect(await measured.supervisor.valueOf("servehttp.instances", asEjected)).toBe(1);
  // Each counts its own exchanges, by the same names of instances.
  const ofBusy = { "servehttp.instance": busy };
  const active = "servehttp.instance.exchanges.active";
  expect(await measured.worker.valueOf(active, ofBusy)).toBe(1);
  expect(await measured.supervisor.valueOf(active, ofBusy)).toBe(0);
  while (isHeld) {
    // oxlint-disable-next-line no-await-in-loop -- until its instance was asked
    await workers[1].ask("/release");
  }
  await held;
  // A worker that is gone ejects nothing.
  workers[0].own.disconnect();
  expect(statesOf(supervisor)).toEqual(["ready", "ready"]);
});

it("binds clients by the same cookies in all workers, also when a process is started again", async () => {
  const balance = { affinity: { cookie: "route" } };
  const notes = { ...options.plugins?.["notes"], instances: 2, balance };
  const given = { ...options, plugins: { notes } } as HostOptions;
  const supervisor = await supervisorOf(given);
  const one = await workerOf(supervisor, given);
  const other = await workerOf(supervisor, given);
  const ask = async ({ port }: typeof one, cookie = "") => {
    const response = await fetch(`http://127.0.0.1:${port}/plugins/notes/pid`, {
      headers: { cookie },
    });
    return { pid: Number(await response.text()), set: response.headers.getSetCookie() };
  };
  const first = await ask(one);
  const [cookie = ""] = first.set[0]?.split(";") ?? [];
  expect(await ask(other, cookie)).toEqual({ pid: first.pid, set: [] });
  const before = new Set(statusOf(other.host).instances.map(({ name }) => name));
  process.kill(first.pid, "SIGKILL");
  const isReady = ({ host }: typeof one): boolean => {
    const { instances, restarts } = statusOf(host);
    const ready = instances.filter(({ state }) => state === "ready");
    return restarts === 1 && ready.length === 2;
  };
  await until(() => isReady(one) && isReady(other), "the next one is connected");
  const again = await ask(other, cookie);
  expect(again).toEqual({ pid: expect.any(Number), set: [] });
  expect(again.pid).not.toBe(first.pid);
  expect(await ask(one, cookie)).toEqual(again);
  expect(new Set(statusOf(other.host).instances.map(({ name }) => name))).toEqual(before);
});

it("costs nobody else anything when a worker is gone, and keeps what it has counted", async () => {
  const supervisor = await supervisorOf();
  const gone = await workerOf(supervisor);
  const other = await workerOf(supervisor);
  const { pid } = statusOf(supervisor);
  await gone.ask("/pid");
  const held = gone.ask("/hold");
  await until(() => {
    const { inFlight, outcomes } = statusOf(supervisor);
    return inFlight === 1 && outcomes.ok === 1;
  }, "an exchange in flight, one over");
  gone.own.disconnect();
  expect(statusOf(supervisor)).toMatchObject({ inFlight: 0, outcomes: { ok: 1 } });
  expect(await other.ask("/release")).toBe(`200 ${pid}`);
  expect(await held).toBe(`200 released by ${pid}`);
  expect(await gone.ask("/pid")).toMatch(/^503 /);
  expect(statusOf(supervisor)).toMatchObject({ state: "ready", pid, restarts: 0 });
});

it("reloads under load without losing a request, and lets end what runs in a worker", async () => {
  const supervisor = await supervisorOf();
  const workers = [await workerOf(supervisor), await workerOf(supervisor)] as const;
  const before = String(statusOf(supervisor).pid);
  const held = workers[0].ask("/hold");
  await until(() => statusOf(supervisor).inFlight === 1, "an exchange in flight");
  let isOver = false;
  const pids = new Set<string>();
  const loads = workers.map(async ({ ask }) => {
    while (!isOver) {
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      pids.add(await ask("/pid"));
    }
  });
  const reloaded = supervisor.reload("notes");
  await until(() => pids.size === 2, "requests of the new process");
  const after = String(statusOf(supervisor).pid);
  for (const { ask } of workers) {
    // oxlint-disable-next-line no-await-in-loop -- one after the other
    expect(await ask("/pid")).toBe(`200 ${after}`);
  }
  isOver = true;
  await Promise.all(loads);
  expect(pids).toEqual(new Set([`200 ${before}`, `200 ${after}`]));
  // It waits for what runs in the worker.
  process.kill(Number(before), "SIGUSR2");
  expect(await held).toBe(`200 released by ${before}`);
  await reloaded;
  expect(() => process.kill(Number(before), 0)).toThrow("ESRCH");
});

it("breaks what still runs in a worker when a plugin's time to drain is over", async () => {
  const given = { ...options, timeouts: { ...options.timeouts, drainMs: 100 } };
  const supervisor = await supervisorOf(given);
  const worker = await workerOf(supervisor, given);
  const held = worker.ask("/hold");
  await until(() => statusOf(supervisor).inFlight === 1, "an exchange in flight");
  await supervisor.reload("notes");
  expect(await held).toMatch(/^503 /);
});

it("asks a plugin to end when nothing but tunnels is left in workers", async () => {
  const supervisor = await supervisorOf();
  const worker = await workerOf(supervisor);
  const client = await RawClient.connect(worker.port);
  const head = ["Host: a", "Connection: upgrade", "Upgrade: x", "", ""];
  client.send("GET /plugins/notes/tunnel HTTP/1.1", ...head);
  await client.take("101 Switching Protocols");
  await until(() => statusOf(supervisor).tunnels === 1, "a tunnel");
  const reloaded = supervisor.reload("notes");
  expect(await client.take("bye")).toContain("bye");
  client.socket.destroy();
  await reloaded;
});

it("lets requests wait in all workers while a plugin is started again", async () => {
  const supervisor = await supervisorOf();
  const workers = [await workerOf(supervisor), await workerOf(supervisor)];
  const { pid = 0 } = statusOf(supervisor);
  process.kill(pid, "SIGKILL");
  await until(() => statusOf(supervisor).state !== "ready", "the end of the plugin");
  const answers = await Promise.all(workers.map(({ ask }) => ask("/pid")));
  expect(statusOf(supervisor).pid).not.toBe(pid);
  expect(answers).toEqual(Array(2).fill(`200 ${statusOf(supervisor).pid}`));
  expect(statusOf(workers[0]?.host as PluginHost)).toMatchObject({
    restarts: 1,
    failures: [{ message: "it was ended by SIGKILL", signal: "SIGKILL" }],
  });
});

it("follows when a plugin is stopped and started", async () => {
  const supervisor = await supervisorOf();
  const worker = await workerOf(supervisor);
  await supervisor.stop({ plugin: "notes" });
  expect(await worker.ask("/pid")).toMatch(/^503 /);
  expect(statusOf(worker.host).state).toBe("stopped");
  await supervisor.start("notes");
  expect(await worker.ask("/pid")).toBe(`200 ${statusOf(supervisor).pid}`);
});

it("divides limits between the workers, by the share of each, rounded up", async () => {
  const given = { ...options, limits: { maxInFlight: 3 } };
  const supervisor = await supervisorOf(given);
  const one = await workerOf(supervisor, given);
  const other = await workerOf(supervisor, given);
  const held = [one, one, other].map(({ ask }) => ask("/hold"));
  await until(() => statusOf(supervisor).inFlight === 3, "three exchanges in flight");
  expect(await one.ask("/pid")).toMatch(/^503 /);
  expect(await other.ask("/release")).toMatch(/^200 /);
  await Promise.all(held);
  other.own.disconnect();
  const more = [one, one, one].map(({ ask }) => ask("/hold"));
  await until(() => statusOf(supervisor).inFlight === 3, "three exchanges in one worker");
  expect(await one.ask("/release")).toMatch(/^503 /);
  await supervisor.stop({ drainMs: 0 });
  await Promise.all(more);
});

it("serves calls that plugins make within an exchange of a worker, for the same client", async () => {
  const supervisor = await supervisorOf();
  const workers = [await workerOf(supervisor), await workerOf(supervisor)] as const;
  expect(await workers[1].ask("/call", { "x-test-user": "ann" })).toBe("200 ann");
  expect(await workers[0].ask("/call")).toBe("200 nobody");
});

it("serves calls within the exchanges of a request that its client repeats", async () => {
  const { identity: _, ...given } = options;
  const worker = await workerOf(await supervisorOf(given), given);
  for (let time = 0; time < 6; time += 1) {
    expect(await worker.ask("/call-for")).toBe("200 127.0.0.1");
  }
});

it("starts late plugins, and says why one does not start", async () => {
  const given = {
    ...options,
    plugins: { notes: { command: [process.execPath, "-e", "process.exit(3)"] } },
  };
  const supervisor = await supervisorOf(given);
  const { host } = await workerOf(supervisor, given);
  await expect(host.start("notes")).rejects.toThrow("it exited with code 3 before it was ready");
});

it("takes other options without dropping a request", async () => {
  const supervisor = await supervisorOf();
  const worker = await workerOf(supervisor);
  const changed = {
    ...options,
    plugins: { notes: { ...options.plugins?.["notes"], env: { A: "1" } } },
  };
  const before = statusOf(supervisor).pid;
  let isOver = false;
  const load = (async () => {
    while (!isOver) {
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      expect(await worker.ask("/pid")).toMatch(/^200 /);
    }
  })();
  await supervisor.apply(changed as HostOptions);
  await worker.host.apply({ ...(changed as HostOptions), logger: worker.logger });
  isOver = true;
  await load;
  const { pid } = statusOf(supervisor);
  expect(pid).not.toBe(before);
  expect(await worker.ask("/pid")).toBe(`200 ${pid}`);
});

describe("what can't be", () => {
  it("refuses to share at a worker, to reload there, and a worker without a supervisor", async () => {
    const supervisor = await supervisorOf();
    const { host, channel } = await workerOf(supervisor);
    expect(() => host.share(channel)).toThrow("a worker has no plugins to share");
    await expect(host.reload("notes")).rejects.toThrow("call reload of the host there");
    const nobody = { on: () => undefined, off: () => undefined };
    expect(() => createWorkerHost(options, nobody)).toThrow("the process has no supervisor");
  });

  it("says so where the other host is of another version", async () => {
    const supervisor = await supervisorOf();
    const { own, records } = await workerOf(supervisor);
    own.emit("message", { servehttp: 2, kind: "plugin" });
    await turns(1);
    expect(records.map(({ msg }) => msg)).toContain(
      "the supervisor has another version of @servehttp/host-bridge: both need the same",
    );
  });
});
