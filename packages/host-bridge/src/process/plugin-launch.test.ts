import { existsSync, readdirSync, readFileSync } from "node:fs";
import { mkdir, mkdtemp, readdir, rmdir, writeFile } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { ServeHTTPError } from "@servehttp/contract";
import { pino } from "pino";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { exitToldMs, startsPerProcessor, steadyMs, turnCheckMs } from "../limits.js";
import { HostProcesses } from "./host-processes.js";
import type { LaunchedConnection, PluginLaunchOptions } from "./plugin-launch.js";
import { PluginLauncher } from "./plugin-launcher.js";
import { restartRules } from "./restart-policy.js";
import type { StartedPlugin } from "./shared-process.js";
import { logRecords } from "../test-rig/log-records.js";
import { ManualClock, turns } from "@servehttp/testkit";
import { KeptConnection } from "../plugin/kept-connection.js";
import type { DrainableConnection } from "../plugin/plugin-run.js";
import type { PluginFailure } from "../plugin/plugin-failure.js";

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

class Connection implements LaunchedConnection, DrainableConnection {
  readonly #lost = Promise.withResolvers<ServeHTTPError>();
  readonly #idle = Promise.withResolvers<void>();
  readonly lost = this.#lost.promise;
  readonly closed: string[] = [];
  /** Something runs on it, until the test says that it has ended, or it is given up. */
  isBusy = false;
  /** Why what ran on it was given up. */
  givenUp: unknown;
  onTunnelsLeft: (() => void) | undefined;

  close(how: "drained" | "now"): void {
    this.closed.push(how);
  }

  lose(code: "connection-lost" | "plugin-closing" | "deadline" = "connection-lost"): void {
    this.#lost.resolve(new ServeHTTPError(code, "the connection was cut"));
  }

  drain(
    giveUp: AbortSignal,
    _giveUpTunnels: AbortSignal,
    onTunnelsLeft: () => void,
  ): Promise<void> {
    this.onTunnelsLeft = onTunnelsLeft;
    const end = () => {
      this.givenUp = giveUp.reason;
      this.#idle.resolve();
    };
    giveUp.addEventListener("abort", end);
    if (giveUp.aborted) {
      end();
    } else if (!this.isBusy) {
      this.#idle.resolve();
    }
    return this.#idle.promise;
  }

  becomeIdle(): void {
    this.#idle.resolve();
  }
}

interface Supervised {
  readonly plugin: KeptConnection<Connection> & AsyncDisposable;
  readonly clock: ManualClock;
  readonly states: string[];
  readonly failures: PluginFailure[];
  readonly connections: Connection[];
  /** Every address and token that `connect` was given. */
  readonly given: StartedPlugin[];
}

const forever = ["sleep", "1000"];

/** Keeps a process, as a plugin with a command has it. */
function supervise(
  command: readonly string[],
  {
    graceMs = 10_000,
    ...options
  }: Partial<PluginLaunchOptions<Connection>> & { graceMs?: number } = {},
): Supervised {
  const clock = new ManualClock();
  const states: string[] = [];
  const failures: PluginFailure[] = [];
  const connections: Connection[] = [];
  const given: StartedPlugin[] = [];
  const launcher = new PluginLauncher<Connection>({
    pluginId: "notes",
    basePath: "/plugins/notes",
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
    clock,
    processorTime: () => undefined,
    ...options,
  });
  const plugin: KeptConnection<Connection> = new KeptConnection<Connection>({
    pluginId: "notes",
    open: () => launcher.launch(),
    rules: restartRules,
    logger: options.logger ?? logger,
    onChange: () => void states.push(plugin.state),
    onReady: () => undefined,
    onFailure: (failure) => void failures.push(failure),
    clock,
    chance: () => 0.5,
    graceMs,
  });
  const disposable = Object.assign(plugin, { [Symbol.asyncDispose]: () => stop(plugin) });
  return { plugin: disposable, clock, states, failures, connections, given };
}

function stop(plugin: KeptConnection<Connection>): Promise<void> {
  return plugin.stop(0, new ServeHTTPError("host-stopping", "the test stops it"));
}

const shell = (script: string) => ["/bin/sh", "-c", script];

const refuse: PluginLaunchOptions<Connection>["connect"] = () =>
  Promise.reject(new ServeHTTPError("connection-failed", "nobody listens"));

function reached({ plugin }: Supervised, state: string): Promise<void> {
  return vi.waitFor(() => expect(plugin.state).toBe(state), { timeout: 10_000, interval: 2 });
}

/** Resolves with the process's id, once it was started. */
function spawned({ plugin }: Supervised): Promise<number> {
  return vi.waitFor(
    () => {
      expect(plugin.pid).toBeDefined();
      return plugin.pid as number;
    },
    { timeout: 10_000, interval: 2 },
  );
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

describe("a kept process", () => {
  it("starts, connects, and stops with nothing left", async () => {
    const supervised = supervise(forever);
    const { plugin, clock, states, connections, given } = supervised;
    await plugin.start();
    expect(plugin).toMatchObject({ state: "ready", restarts: 0 });
    expect(plugin.connection).toBe(connections[0]);
    expect(children()).toContain(String(plugin.pid));
    expect(given[0]?.token).toMatch(/^[\w-]{43}$/);
    expect(clock.waiting).toBe(0);
    await plugin.start();
    await Promise.all([stop(plugin), stop(plugin)]);
    expect(states).toEqual(["starting", "ready", "draining", "stopping", "stopped"]);
    expect(connections).toHaveLength(1);
    expect(connections[0]?.closed).toEqual(expect.arrayContaining(["drained", "now"]));
    expect(plugin.pid).toBeUndefined();
    expect(clock.waiting).toBe(0);
  });

  it("stays stopped once it was stopped", async () => {
    const { plugin, given } = supervise(forever);
    await plugin.start();
    await stop(plugin);
    await expect(plugin.start()).rejects.toMatchObject({ code: "host-stopping" });
    expect([plugin.state, given.length]).toEqual(["stopped", 1]);
  });

  it("starts again with a new address and token", async () => {
    const supervised = supervise(forever);
    const { plugin, clock, given } = supervised;
    await plugin.start();
    process.kill(plugin.pid ?? 0, "SIGKILL");
    await reached(supervised, "backing-off");
    clock.advance(100);
    await reached(supervised, "ready");
    await stop(plugin);
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
    await spawned(supervised);
    await timePasses(supervised, "starting");
    await started;
    expect(attempts).toBe(20);
    await stop(supervised.plugin);
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

  it("says what a program lacks that ends well without having served", async () => {
    await using plugin = supervise(shell("echo done"), { connect: refuse }).plugin;
    await expect(plugin.start()).rejects.toMatchObject({
      code: "connection-failed",
      message:
        "plugin notes: it exited with code 0 before it was ready: it ended without serving; a plugin calls servePlugin (serve_plugin in Python, Serve in Go), and runs until its host ends it",
    });
  });

  it("says that it was not ready in time, and ends it", async () => {
    const supervised = supervise(shell("echo waiting >&2; exec sleep 1000"), { connect: refuse });
    const started = supervised.plugin.start();
    started.catch(() => undefined);
    const pid = await spawned(supervised);
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
    await stop(supervised.plugin);
    expect(existsSync(`/proc/${pid}`)).toBe(false);
  });

  it("fails at once when what answers is no plugin", async () => {
    const error = new ServeHTTPError("not-a-plugin", "it speaks version 9");
    const supervised = supervise(forever, { connect: () => Promise.reject(error) });
    await expect(supervised.plugin.start()).rejects.toMatchObject({
      code: "not-a-plugin",
      message: "plugin notes: it speaks version 9",
    });
    await stop(supervised.plugin);
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
    const { plugin, clock, states, failures } = supervised;
    await plugin.start();
    const first = plugin.pid ?? 0;
    process.kill(first, "SIGKILL");
    await reached(supervised, "backing-off");
    expect(plugin.connection).toBeUndefined();
    clock.advance(99);
    expect(plugin.state).toBe("backing-off");
    clock.advance(1);
    await reached(supervised, "ready");
    expect(plugin.restarts).toBe(1);
    expect(plugin.pid).not.toBe(first);
    expect(failures).toMatchObject([
      { message: "it was ended by SIGKILL", signal: "SIGKILL", exitCode: undefined },
    ]);
    await stop(plugin);
    const passed = "starting ready backing-off starting ready draining stopping stopped";
    expect(states.join(" ")).toBe(passed);
  });

  it("gives it up at the fifth failure, and a start brings it back", async () => {
    const supervised = supervise(forever);
    const { plugin, clock, failures } = supervised;
    await plugin.start();
    for (const delayMs of [100, 200, 400, 800]) {
      process.kill(plugin.pid ?? 0, "SIGKILL");
      await reached(supervised, "backing-off");
      clock.advance(delayMs);
      await reached(supervised, "ready");
    }
    process.kill(plugin.pid ?? 0, "SIGKILL");
    await reached(supervised, "failed");
    await vi.waitFor(() => expect(failures).toHaveLength(5));
    expect(clock.waiting).toBe(0);
    await plugin.start();
    expect(plugin.state).toBe("ready");
    process.kill(plugin.pid ?? 0, "SIGKILL");
    await reached(supervised, "backing-off");
    await stop(plugin);
    expect(plugin.state).toBe("stopped");
    expect(clock.waiting).toBe(0);
  });

  it("replaces a plugin whose connection is lost, and ends its process", async () => {
    const supervised = supervise(forever);
    const { plugin, clock, connections, failures } = supervised;
    await plugin.start();
    const pid = plugin.pid;
    connections[0]?.lose();
    await reached(supervised, "backing-off");
    clock.advance(Math.max(100, exitToldMs));
    await reached(supervised, "ready");
    expect(failures).toMatchObject([
      { code: "connection-lost", message: "the connection was cut", signal: "SIGTERM" },
    ]);
    expect(existsSync(`/proc/${pid}`)).toBe(false);
    expect(connections).toHaveLength(2);
    await stop(plugin);
  });

  it("replaces a plugin that somebody found hung, though it ignores SIGTERM (U9)", async () => {
    const supervised = supervise(shell("trap '' TERM; while :; do sleep 0.01; done"), {
      graceMs: 20,
    });
    const { plugin, clock, connections, failures } = supervised;
    await plugin.start();
    const pid = plugin.pid;
    connections[0]?.lose("deadline");
    await reached(supervised, "backing-off");
    clock.advance(100);
    await reached(supervised, "ready");
    expect(existsSync(`/proc/${pid}`)).toBe(false);
    expect(failures).toMatchObject([{ code: "deadline", signal: "SIGKILL" }]);
    connections[1]!.isBusy = true;
    const stopped = plugin.stop(10_000, new ServeHTTPError("host-stopping", "the test stops it"));
    connections[1]?.lose("deadline");
    await turns(2);
    expect(plugin.state).toBe("draining");
    clock.advance(10_000);
    await stopped;
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
    await stop(plugin);
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
    await stop(supervised.plugin);
  });
});

describe("stop and drain (L5)", () => {
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
    const pid = await spawned(supervised);
    await stop(plugin);
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
    await spawned(supervised);
    await stop(supervised.plugin);
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
    await stop(supervised.plugin);
    expect(existsSync(`/proc/${pid}`)).toBe(false);
  });
});

describe("closing in good order (S3)", () => {
  /** A plugin that has run for long enough, and on which something runs. */
  async function busy(options: Parameters<typeof supervise>[1] = {}, script = forever) {
    const supervised = supervise(script, options);
    await supervised.plugin.start();
    const [first] = supervised.connections;
    first!.isBusy = true;
    supervised.clock.advance(steadyMs);
    return { ...supervised, first: first!, pid: supervised.plugin.pid as number };
  }

  it("connects again to a process that goes on, and leaves it alone", async () => {
    const supervised = await busy();
    const { plugin, first, pid, connections } = supervised;
    first.lose("plugin-closing");
    await vi.waitFor(() => expect(connections).toHaveLength(2));
    await reached(supervised, "ready");
    expect([plugin.pid, plugin.restarts]).toEqual([pid, 1]);
    expect([plugin.connection, first.closed]).toEqual([connections[1], []]);
    first.onTunnelsLeft?.();
    first.becomeIdle();
    await vi.waitFor(() => expect(first.closed).toEqual(["now"]));
    expect([plugin.state, existsSync(`/proc/${pid}`)]).toEqual(["ready", true]);
    await stop(plugin);
    expect(existsSync(`/proc/${pid}`)).toBe(false);
  });

  it("starts a process beside one that takes no connection any more, and lets that one end", async () => {
    let isClosing = false;
    const made: Connection[] = [];
    const supervised = supervise(forever, {
      connect: ({ pid }, signal) => {
        if (isClosing && pid === firstPid) {
          return refuse({ pid, socketPath: "", token: "" }, signal);
        }
        made.push(new Connection());
        return Promise.resolve(made.at(-1)!);
      },
    });
    const { plugin, clock, failures } = supervised;
    await plugin.start();
    const firstPid = plugin.pid as number;
    const [first] = made;
    first!.isBusy = true;
    clock.advance(steadyMs);
    isClosing = true;
    first!.lose("plugin-closing");
    await vi.waitFor(() => expect(made).toHaveLength(2));
    await reached(supervised, "ready");
    expect(plugin.pid).not.toBe(firstPid);
    expect([existsSync(`/proc/${firstPid}`), failures]).toEqual([true, []]);
    first!.becomeIdle();
    await vi.waitFor(() => expect(existsSync(`/proc/${firstPid}`)).toBe(false));
    await stop(plugin);
  });

  it("breaks what is left of an old connection when it is stopped", async () => {
    const supervised = await busy();
    const { plugin, clock, first, connections } = supervised;
    first.lose("plugin-closing");
    await vi.waitFor(() => expect(connections).toHaveLength(2));
    const reason = new ServeHTTPError("host-stopping", "the test stops it");
    const stopped = plugin.stop(10_000, reason);
    clock.advance(9_999);
    expect(first.givenUp).toBeUndefined();
    clock.advance(1);
    await stopped;
    expect(first.givenUp).toBe(reason);
    expect(clock.waiting).toBe(0);
  });

  it("takes a plugin that closes at once for one that fails", async () => {
    const supervised = supervise(forever);
    const { plugin, clock, connections, failures } = supervised;
    await plugin.start();
    for (const delayMs of [100, 200, 400, 800]) {
      connections.at(-1)?.lose("plugin-closing");
      await reached(supervised, "backing-off");
      clock.advance(delayMs);
      await reached(supervised, "ready");
    }
    connections.at(-1)?.lose("plugin-closing");
    await reached(supervised, "failed");
    expect(failures).toHaveLength(5);
    await stop(plugin);
  });

  it("tells a process to end once only tunnels run on it, so that it can tell them why", async () => {
    const supervised = await busy({}, shell("trap 'exit 0' TERM; while :; do sleep 0.01; done"));
    const { plugin, first, pid } = supervised;
    const stopped = plugin.stop(10_000, new ServeHTTPError("host-stopping", "the test stops it"));
    await turns(2);
    expect(existsSync(`/proc/${pid}`)).toBe(true);
    first.onTunnelsLeft?.();
    await vi.waitFor(() => expect(existsSync(`/proc/${pid}`)).toBe(false));
    expect(first.givenUp).toBeUndefined();
    first.becomeIdle();
    await stopped;
  });
});

describe("faults of the host and its system (H4, L9)", () => {
  it("tries a program again for ever that can't be run", async () => {
    const { logger: recording, records } = logRecords();
    const supervised = supervise(["/no/such/program"], { connect: refuse, logger: recording });
    await supervised.plugin.start().catch(() => undefined);
    for (let failures = 2; failures <= 10; failures += 1) {
      supervised.clock.advance(40_000);
      await vi.waitFor(() => expect(supervised.failures).toHaveLength(failures));
    }
    expect(supervised.plugin.state).toBe("backing-off");
    expect(records.filter(({ level }) => Number(level) >= 40)).toHaveLength(10);
    await stop(supervised.plugin);
  });

  it("does not give a plugin up that it can't reach without descriptors", async () => {
    const cause = Object.assign(new Error("connect EMFILE"), { code: "EMFILE" });
    const supervised = supervise(forever, {
      startMs: 100,
      connect: () =>
        Promise.reject(new ServeHTTPError("connection-failed", "can't connect", { cause })),
    });
    const started = supervised.plugin.start();
    started.catch(() => undefined);
    for (let failures = 1; failures <= 6; failures += 1) {
      await vi.waitFor(
        () => {
          supervised.clock.advance(10);
          expect(supervised.failures).toHaveLength(failures);
        },
        { timeout: 20_000, interval: 1 },
      );
    }
    await expect(started).rejects.toMatchObject({
      code: "deadline",
      message: expect.stringContaining("no file descriptors left (EMFILE): raise its limit"),
    });
    expect(supervised.plugin.state).not.toBe("failed");
    await stop(supervised.plugin);
  });

  it("says why there is no directory for sockets, and starts when there is (H4)", async () => {
    const missing = join(parent, "later");
    await using later = new HostProcesses(logger, missing);
    const { logger: recording, records } = logRecords();
    const supervised = supervise(forever, { processes: later, logger: recording });
    const { plugin, clock } = supervised;
    await expect(plugin.start()).rejects.toMatchObject({
      code: "unavailable",
      message: expect.stringContaining("which does not exist: create it, or set TMPDIR"),
    });
    expect(plugin.state).toBe("backing-off");
    expect(records.filter(({ level }) => Number(level) >= 40)).toMatchObject([
      { code: "unavailable", msg: expect.stringContaining("set TMPDIR") },
    ]);
    await mkdir(missing);
    clock.advance(100);
    await reached(supervised, "ready");
    await stop(plugin);
    await later.close();
    await rmdir(missing);
  });

  it("starts only so many at once, and counts each one's time from its turn (L9)", async () => {
    const turnsAtOnce = startsPerProcessor * availableParallelism();
    const plugins = Array.from({ length: turnsAtOnce + 2 }, () =>
      supervise(forever, { connect: refuse }),
    );
    const started = plugins.map(({ plugin }) => plugin.start());
    for (const one of started) {
      one.catch(() => undefined);
    }
    const spawnedNow = () => plugins.filter(({ plugin }) => plugin.pid !== undefined);
    await vi.waitFor(() => expect(spawnedNow()).toHaveLength(turnsAtOnce));
    const [first] = plugins;
    const last = plugins.at(-1)!;
    last.clock.advance(20_000);
    await turns(10);
    expect([last.plugin.state, last.plugin.pid]).toEqual(["starting", undefined]);
    first!.clock.advance(10_000);
    await expect(started[0]).rejects.toMatchObject({ code: "deadline" });
    await vi.waitFor(() => expect(spawnedNow()).toHaveLength(turnsAtOnce));
    await stop(plugins[1]!.plugin);
    await spawned(last);
    expect(last.plugin.state).toBe("starting");
    await Promise.all(plugins.map(({ plugin }) => stop(plugin)));
  });

  it("lends the turn of a plugin that waits for something else to the next one (L9)", async () => {
    const turnsAtOnce = startsPerProcessor * availableParallelism();
    const idle = { usedMs: 1, waitedMs: 0 };
    const plugins = Array.from({ length: turnsAtOnce + 1 }, () =>
      supervise(forever, { connect: refuse, processorTime: () => idle }),
    );
    for (const { plugin } of plugins) {
      plugin.start().catch(() => undefined);
    }
    const [first] = plugins;
    const last = plugins.at(-1)!;
    await spawned(first!);
    await turns(10);
    expect(last.plugin.pid).toBeUndefined();
    first!.clock.advance(turnCheckMs);
    await spawned(last);
    expect(first!.plugin.state).toBe("starting");
    await Promise.all(plugins.map(({ plugin }) => stop(plugin)));
  });

  it("counts no time in which no processor was free for the plugin (L9)", async () => {
    let waitedMs = 0;
    const supervised = supervise(forever, {
      connect: refuse,
      processorTime: () => ({ usedMs: 0, waitedMs }),
    });
    const started = supervised.plugin.start();
    started.catch(() => undefined);
    await spawned(supervised);
    waitedMs = 9_000;
    supervised.clock.advance(10_000);
    expect(supervised.plugin.state).toBe("starting");
    waitedMs = 9_500;
    supervised.clock.advance(9_000);
    expect(supervised.plugin.state).toBe("starting");
    supervised.clock.advance(500);
    await expect(started).rejects.toMatchObject({ code: "deadline" });
    await stop(supervised.plugin);
  });
});

describe("sockets", () => {
  it("removes the socket of a process that was killed", async () => {
    const supervised = supervise(forever);
    const { plugin, given } = supervised;
    await plugin.start();
    const { socketPath } = given[0]!;
    await writeFile(socketPath, "what a plugin left");
    process.kill(plugin.pid ?? 0, "SIGKILL");
    await vi.waitFor(() => expect(existsSync(socketPath)).toBe(false));
    await stop(plugin);
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
      await stop(supervised.plugin);
      expect(supervised.clock.waiting).toBe(0);
    }
    await vi.waitFor(() => {
      expect(readdirSync("/proc/self/fd").length).toBeLessThanOrEqual(before.fds);
      expect(children().length).toBe(before.children);
    });
    const { directory } = await processes.open();
    processes.leave();
    expect(await readdir(directory.path)).toEqual(["host.sock"]);
  });
});
