import { existsSync, readdirSync, readFileSync } from "node:fs";
import { mkdir, mkdtemp, readdir, rmdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ServeHTTPError } from "@servehttp/contract";
import { pino } from "pino";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { ManualClock } from "../test-rig/manual-clock.js";
import { HostProcesses } from "./host-processes.js";
import {
  PluginSupervisor,
  type PluginSupervisorOptions,
  type StartedPlugin,
  type SupervisedConnection,
} from "./plugin-supervisor.js";

const logger = pino({ enabled: false });
let parent = "";
let processes: HostProcesses;

beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), "ps-"));
  processes = new HostProcesses(logger, parent);
});
afterEach(async () => {
  await processes.close();
  // Fails unless nothing is left in it.
  await rmdir(parent);
});

class Connection implements SupervisedConnection {
  readonly #lost = Promise.withResolvers<ServeHTTPError>();
  readonly lost = this.#lost.promise;
  readonly closed: string[] = [];

  close(how: "drained" | "now"): void {
    this.closed.push(how);
  }

  lose(): void {
    this.#lost.resolve(new ServeHTTPError("connection-lost", "the connection was cut"));
  }
}

interface Supervised {
  readonly plugin: PluginSupervisor<Connection>;
  readonly clock: ManualClock;
  readonly states: string[];
  readonly connections: Connection[];
  /** Every address and token that `connect` was given. */
  readonly given: StartedPlugin[];
}

const forever = ["sleep", "1000"];

function supervise(
  command: readonly string[],
  options: Partial<PluginSupervisorOptions<Connection>> = {},
): Supervised {
  const clock = new ManualClock();
  const states: string[] = [];
  const connections: Connection[] = [];
  const given: StartedPlugin[] = [];
  const plugin: PluginSupervisor<Connection> = new PluginSupervisor({
    pluginId: "notes",
    command,
    cwd: undefined,
    env: {},
    startMs: 10_000,
    processes,
    logger,
    connect: (started) => {
      given.push(started);
      const connection = new Connection();
      connections.push(connection);
      return Promise.resolve(connection);
    },
    onChange: () => void states.push(plugin.state),
    clock,
    chance: () => 0.5,
    graceMs: 10_000,
    ...options,
  });
  return { plugin, clock, states, connections, given };
}

const shell = (script: string) => ["/bin/sh", "-c", script];

const refuse: PluginSupervisorOptions<Connection>["connect"] = () =>
  Promise.reject(new ServeHTTPError("connection-failed", "nobody listens"));

function reached({ plugin }: Supervised, state: string): Promise<void> {
  return vi.waitFor(() => expect(plugin.state).toBe(state), { timeout: 10_000, interval: 2 });
}

/**
 * Lets the pending retries of `connect` settle and time pass until the plugin's state is another.
 */
function timePasses(supervised: Supervised, from: string): Promise<void> {
  return vi.waitFor(
    () => {
      supervised.clock.advance(10);
      expect(supervised.plugin.state).not.toBe(from);
    },
    { timeout: 20_000, interval: 1 },
  );
}

/** Children of this process, zombies among them. */
function children(): string[] {
  return readdirSync("/proc/self/task").flatMap((task) => {
    const path = `/proc/self/task/${task}/children`;
    return existsSync(path) ? readFileSync(path, "utf8").split(" ").filter(Boolean) : [];
  });
}

describe("PluginSupervisor", () => {
  it("starts, connects, and stops with nothing left", async () => {
    const supervised = supervise(forever);
    const { plugin, clock, states, connections, given } = supervised;
    await plugin.start();
    expect(plugin).toMatchObject({ state: "ready", restarts: 0, failure: undefined });
    expect(plugin.connection).toBe(connections[0]);
    expect(children()).toContain(String(plugin.pid));
    expect(given[0]?.token).toMatch(/^[\w-]{43}$/);
    expect(clock.waiting).toBe(0);
    await plugin.start();
    await Promise.all([plugin.stop(), plugin.stop()]);
    expect(states).toEqual(["starting", "ready", "stopping", "stopped"]);
    expect(connections).toHaveLength(1);
    expect(connections[0]?.closed).toEqual(expect.arrayContaining(["drained", "now"]));
    expect(plugin.pid).toBeUndefined();
    expect(clock.waiting).toBe(0);
  });

  it("can be started again after it was stopped, with a new address and token", async () => {
    const { plugin, given } = supervise(forever);
    await plugin.start();
    await plugin.stop();
    await plugin.start();
    await plugin.stop();
    expect(given).toHaveLength(2);
    expect(given[0]?.socketPath).not.toBe(given[1]?.socketPath);
    expect(given[0]?.token).not.toBe(given[1]?.token);
  });

  it("connects again and again until the plugin listens", async () => {
    let attempts = 0;
    const supervised = supervise(forever, {
      connect: (plugin, signal) => {
        attempts++;
        return attempts < 20 ? refuse(plugin, signal) : Promise.resolve(new Connection());
      },
    });
    const started = supervised.plugin.start();
    await reached(supervised, "starting");
    await timePasses(supervised, "starting");
    await started;
    expect(attempts).toBe(20);
    await supervised.plugin.stop();
  });
});

describe("bad starts (O7, L1)", () => {
  it("says that there is no such program", async () => {
    await using plugin = supervise(["/no/such/program"], { connect: refuse }).plugin;
    await expect(plugin.start()).rejects.toMatchObject({
      code: "connection-failed",
      message: 'plugin notes: can\'t run "/no/such/program": there is no such program',
    });
    expect(plugin.state).toBe("backing-off");
  });

  it("says that it exited at once, and what it said last", async () => {
    const script = "echo 'Error: no config' >&2; echo '  at main' >&2; exit 3";
    await using plugin = supervise(shell(script), { connect: refuse }).plugin;
    await expect(plugin.start()).rejects.toMatchObject({
      code: "connection-failed",
      message:
        "plugin notes: it exited with code 3 before it was ready; it said: Error: no config |   at main",
    });
  });

  it("says that it was not ready in time, and ends it", async () => {
    const supervised = supervise(shell("echo waiting >&2; exec sleep 1000"), { connect: refuse });
    const started = supervised.plugin.start();
    started.catch(() => undefined);
    await reached(supervised, "starting");
    const pid = supervised.plugin.pid;
    await vi.waitFor(() => {
      supervised.clock.advance(0);
      expect(readFileSync(`/proc/${pid}/cmdline`, "latin1")).toContain("sleep");
    });
    supervised.clock.advance(9_999);
    expect(supervised.plugin.state).toBe("starting");
    supervised.clock.advance(1);
    await expect(started).rejects.toMatchObject({
      code: "deadline",
      message: expect.stringContaining("plugin notes: it was not ready within 10000 ms"),
    });
    await supervised.plugin.stop();
    expect(existsSync(`/proc/${pid}`)).toBe(false);
  });

  it("fails at once when what answers is no plugin", async () => {
    const error = new ServeHTTPError("not-a-plugin", "it speaks version 9");
    const supervised = supervise(forever, { connect: () => Promise.reject(error) });
    await expect(supervised.plugin.start()).rejects.toMatchObject({
      code: "not-a-plugin",
      message: "plugin notes: it speaks version 9",
    });
    await supervised.plugin.stop();
  });

  it("keeps the error short when a megabyte was printed first", async () => {
    const script =
      "head -c 1048576 /dev/zero | tr '\\0' 'x' >&2; echo; echo 'the reason' >&2; exit 1";
    await using plugin = supervise(shell(script), { connect: refuse }).plugin;
    const error = await plugin.start().catch((thrown: unknown) => thrown as Error);
    expect(error?.message).toContain("exited with code 1 before it was ready");
    expect(error?.message.endsWith("the reason")).toBe(true);
    expect(error?.message.length).toBeLessThan(2_300);
  });
});

describe("failures (O3, L3, L4)", () => {
  it("starts a killed plugin again after the delay", async () => {
    const supervised = supervise(forever);
    const { plugin, clock, states } = supervised;
    await plugin.start();
    const first = plugin.pid ?? 0;
    process.kill(first, "SIGKILL");
    await reached(supervised, "backing-off");
    expect(plugin.failure?.message).toBe("plugin notes: it was ended by SIGKILL");
    expect(plugin.connection).toBeUndefined();
    clock.advance(99);
    expect(plugin.state).toBe("backing-off");
    clock.advance(1);
    await reached(supervised, "ready");
    expect(plugin.restarts).toBe(1);
    expect(plugin.pid).not.toBe(first);
    expect(plugin.failure).toBeUndefined();
    await plugin.stop();
    const passed = "starting ready backing-off starting ready stopping stopped";
    expect(states.join(" ")).toBe(passed);
  });

  it("gives it up at the fifth failure, and a start brings it back", async () => {
    const supervised = supervise(forever);
    const { plugin, clock } = supervised;
    await plugin.start();
    for (const delayMs of [100, 200, 400, 800]) {
      process.kill(plugin.pid ?? 0, "SIGKILL");
      await reached(supervised, "backing-off");
      clock.advance(delayMs);
      await reached(supervised, "ready");
    }
    process.kill(plugin.pid ?? 0, "SIGKILL");
    await reached(supervised, "failed");
    expect(plugin.failure?.message).toContain("SIGKILL");
    expect(clock.waiting).toBe(0);
    await plugin.start();
    expect(plugin.state).toBe("ready");
    process.kill(plugin.pid ?? 0, "SIGKILL");
    await reached(supervised, "backing-off");
    await plugin.stop();
    expect(plugin.state).toBe("stopped");
    expect(clock.waiting).toBe(0);
  });

  it("replaces a plugin whose connection is lost, and ends its process", async () => {
    const supervised = supervise(forever);
    const { plugin, clock, connections } = supervised;
    await plugin.start();
    const pid = plugin.pid;
    connections[0]?.lose();
    await reached(supervised, "backing-off");
    expect(plugin.failure).toMatchObject({ code: "connection-lost" });
    clock.advance(100);
    await reached(supervised, "ready");
    expect(existsSync(`/proc/${pid}`)).toBe(false);
    expect(connections).toHaveLength(2);
    await plugin.stop();
  });

  it("replaces a plugin that somebody found hung, though it ignores SIGTERM (U9)", async () => {
    const supervised = supervise(shell("trap '' TERM; while :; do sleep 0.01; done"), {
      graceMs: 20,
    });
    const { plugin, clock } = supervised;
    await plugin.start();
    const pid = plugin.pid;
    plugin.fail(new ServeHTTPError("deadline", "three health checks went unanswered"));
    expect(plugin.state).toBe("backing-off");
    expect(plugin.failure?.message).toContain("three health checks");
    clock.advance(100);
    await reached(supervised, "ready");
    expect(existsSync(`/proc/${pid}`)).toBe(false);
    plugin.drain();
    plugin.fail(new ServeHTTPError("deadline", "late"));
    expect(plugin.state).toBe("draining");
    await plugin.stop();
  });

  it("starts out of turn when it is told to while it backs off", async () => {
    const supervised = supervise(forever);
    const { plugin, clock } = supervised;
    await plugin.start();
    process.kill(plugin.pid ?? 0, "SIGKILL");
    await reached(supervised, "backing-off");
    await plugin.start();
    expect(plugin.state).toBe("ready");
    expect(clock.waiting).toBe(0);
    await plugin.stop();
  });

  it("goes on after a failed first start", async () => {
    let attempts = 0;
    const supervised = supervise(forever, {
      connect: () => {
        attempts++;
        return attempts === 1
          ? Promise.reject(new ServeHTTPError("unauthenticated", "wrong token"))
          : Promise.resolve(new Connection());
      },
    });
    await expect(supervised.plugin.start()).rejects.toMatchObject({ code: "unauthenticated" });
    supervised.clock.advance(100);
    await reached(supervised, "ready");
    await supervised.plugin.stop();
  });
});

describe("HostProcesses", () => {
  it("says why it can't be made, and is made when it can", async () => {
    const missing = join(parent, "later");
    await using later = new HostProcesses(logger, missing);
    const { plugin } = supervise(forever, { processes: later });
    await expect(plugin.start()).rejects.toThrow("ENOENT");
    expect(plugin.state).toBe("stopped");
    await mkdir(missing);
    await plugin.start();
    expect(plugin.state).toBe("ready");
    await plugin.stop();
    await later.close();
    await plugin.start();
    await plugin.stop();
    await later.close();
    await rmdir(missing);
  });
});

describe("stop and drain (L5)", () => {
  it("does not start a draining plugin again", async () => {
    const supervised = supervise(forever);
    const { plugin, clock } = supervised;
    await plugin.start();
    plugin.drain();
    expect(plugin.state).toBe("draining");
    expect(plugin.connection).toBeDefined();
    process.kill(plugin.pid ?? 0, "SIGKILL");
    await reached(supervised, "stopped");
    expect(clock.waiting).toBe(0);
    await plugin.stop();
    expect(plugin.state).toBe("stopped");
  });

  it("stops while it is starting: the start fails, and nothing is left", async () => {
    const signals: AbortSignal[] = [];
    const supervised = supervise(forever, {
      connect: (_, signal) => {
        signals.push(signal);
        return new Promise(() => undefined);
      },
    });
    const { plugin, clock } = supervised;
    const started = plugin.start();
    started.catch(() => undefined);
    await reached(supervised, "starting");
    const pid = plugin.pid;
    await plugin.stop();
    await expect(started).rejects.toMatchObject({ code: "host-stopping" });
    expect(signals.map(({ aborted }) => aborted)).toEqual([true]);
    expect(existsSync(`/proc/${pid}`)).toBe(false);
    expect(clock.waiting).toBe(0);
  });

  it("closes a connection that comes too late", async () => {
    const late = Promise.withResolvers<Connection>();
    const supervised = supervise(forever, { connect: () => late.promise });
    const started = supervised.plugin.start();
    started.catch(() => undefined);
    await reached(supervised, "starting");
    await supervised.plugin.stop();
    const connection = new Connection();
    late.resolve(connection);
    await vi.waitFor(() => expect(connection.closed).toEqual(["now"]));
    expect(supervised.plugin.state).toBe("stopped");
    await expect(started).rejects.toMatchObject({ code: "host-stopping" });
  });

  it("kills a plugin that ignores SIGTERM when the grace is over", async () => {
    const supervised = supervise(shell("trap '' TERM; while :; do sleep 0.01; done"), {
      graceMs: 20,
    });
    await supervised.plugin.start();
    const pid = supervised.plugin.pid;
    await supervised.plugin.stop();
    expect(existsSync(`/proc/${pid}`)).toBe(false);
  });
});

describe("leaks (O6)", () => {
  it("250 starts and stops, every fourth of them failed, leave no descriptor, process or file", async () => {
    await using warmUp = supervise(forever).plugin;
    await warmUp.start();
    const before = { fds: readdirSync("/proc/self/fd").length, children: children().length };
    for (let number = 0; number < 250; number++) {
      const failing = number % 4 === 0;
      const supervised = supervise(
        failing ? ["/no/such"] : forever,
        failing ? { connect: refuse } : {},
      );
      const outcome = await supervised.plugin.start().then(
        () => "ready",
        () => "failed",
      );
      expect(outcome).toBe(failing ? "failed" : "ready");
      await supervised.plugin.stop();
      expect(supervised.clock.waiting).toBe(0);
    }
    await vi.waitFor(() => {
      expect(readdirSync("/proc/self/fd").length).toBeLessThanOrEqual(before.fds);
      expect(children().length).toBe(before.children);
    });
    const { directory } = await processes.open();
    expect(await readdir(directory.path)).toEqual(["host.sock"]);
  });
});
