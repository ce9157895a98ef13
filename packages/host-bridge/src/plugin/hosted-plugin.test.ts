import { ServeHTTPError } from "@servehttp/contract";
import { pino } from "pino";
import { afterEach, describe, expect, it, vi } from "vitest";
import { turns } from "@servehttp/testkit";
import type { Exchange, ExchangePlugin } from "../exchange/exchange.js";
import { HostedPlugin, type HostedPluginSettings } from "./hosted-plugin.js";
import { healthIntervalMs, healthMissesMax, healthTimeoutMs } from "../limits.js";
import type { InstanceState, PluginInstance } from "./plugin-instance.js";
import type { PluginConnection } from "./plugin-connection.js";
import { ManualClock } from "../test-rig/manual-clock.js";

afterEach(() => {
  vi.useRealTimers();
});

/** An instance that does what a test says. */
class Instance implements PluginInstance {
  state: InstanceState = "stopped";
  readonly pid = undefined;
  readonly sinceUnixMs = 0;
  restarts = 0;
  failure: Error | undefined;
  connection: PluginConnection | undefined;
  serving: boolean | undefined = true;
  servesHttp = true;
  stops = 0;
  readonly failed: string[] = [];
  #ready = Promise.withResolvers<void>();

  /** As a plugin does that has come up. */
  rise(): void {
    this.state = "ready";
    this.connection = {
      description: { servesHttp: this.servesHttp },
      carrier: "mux",
      isServing: (signal: AbortSignal) =>
        this.serving === undefined
          ? new Promise((_, reject) => {
              signal.addEventListener("abort", () => reject(new Error("aborted")));
            })
          : Promise.resolve(this.serving),
    } as unknown as PluginConnection;
    this.#ready.resolve();
  }

  fall(error: ServeHTTPError): void {
    this.state = "backing-off";
    this.failure = error;
    this.#ready.reject(error);
  }

  start(): Promise<void> {
    if (this.state === "stopped") {
      this.state = "starting";
      this.#ready = Promise.withResolvers();
    }
    return this.#ready.promise;
  }

  drain(): void {
    if (this.state === "ready") {
      this.state = "draining";
    }
  }

  fail(reason: ServeHTTPError): void {
    this.failed.push(reason.message);
  }

  stop(): Promise<void> {
    this.stops += 1;
    this.state = "stopped";
    this.connection = undefined;
    this.#ready.reject(new ServeHTTPError("host-stopping", "stopped"));
    return Promise.resolve();
  }
}

interface Hosted {
  readonly plugin: HostedPlugin;
  readonly clock: ManualClock;
  /** All that were made, in order. */
  readonly instances: Instance[];
  /** Begins an exchange where the plugin sends one now. */
  readonly begin: () => RunningExchange;
}

interface RunningExchange {
  readonly on: ExchangePlugin;
  readonly end: () => void;
  /** Why it was told to stop. */
  readonly stopped: string[];
}

function host(settings: Partial<HostedPluginSettings> = {}, count = 1): Hosted {
  const clock = new ManualClock();
  const instances: Instance[] = [];
  const plugin = new HostedPlugin(
    {
      id: "notes",
      chunkBytes: 65_536,
      times: { headMs: 0, idleMs: 0, totalMs: 0 },
      drainMs: 1_000,
      maxInFlight: 100,
      maxTunnels: 2,
      logger: pino({ enabled: false }),
      clock,
      makeInstances: () => {
        const made = Array.from({ length: count }, () => new Instance());
        instances.push(...made);
        return made;
      },
      ...settings,
    },
    () => undefined,
  );
  const begin = (): RunningExchange => {
    const destination = plugin.destination();
    if (destination.kind !== "exchange") {
      throw new Error(`no exchange: ${destination.kind}`);
    }
    const on = destination.plugin;
    const why: string[] = [];
    const exchange = {
      init: { requestId: "1", method: "GET" },
      stop: (reason: ServeHTTPError) => {
        why.push(reason.code);
        on.onOver(exchange, "host-stopping", reason);
      },
    } as unknown as Exchange;
    on.onBegun(exchange);
    return { on, end: () => on.onOver(exchange, "ok", undefined), stopped: why };
  };
  return { plugin, clock, instances, begin };
}

async function started(hosted: Hosted): Promise<void> {
  const starting = hosted.plugin.start();
  for (const instance of hosted.instances) {
    instance.rise();
  }
  await starting;
}

const reason = new ServeHTTPError("host-stopping", "the test stops it");

describe("HostedPlugin", () => {
  it("refuses until it is ready, and when it is over its limit", async () => {
    const hosted = host({ maxInFlight: 2 });
    expect(hosted.plugin.destination()).toMatchObject({
      kind: "refused",
      error: { code: "unavailable", message: "the plugin is stopped" },
    });
    await started(hosted);
    const one = hosted.begin();
    hosted.begin();
    expect(hosted.plugin.inFlight).toBe(2);
    expect(hosted.plugin.destination()).toMatchObject({
      kind: "refused",
      error: { code: "overload" },
    });
    one.end();
    expect(hosted.plugin.destination().kind).toBe("exchange");
    expect(hosted.plugin.outcomes).toEqual(new Map([["ok", 1]]));
  });

  it("is not found where the plugin serves no HTTP", async () => {
    const hosted = host();
    hosted.instances[0]!.servesHttp = false;
    await started(hosted);
    expect(hosted.plugin.destination()).toEqual({ kind: "not-found" });
  });

  it("sends to the instance with the fewest exchanges among those that are ready", async () => {
    const hosted = host({}, 3);
    await started(hosted);
    hosted.instances[2]!.state = "backing-off";
    const first = hosted.begin();
    const second = hosted.begin();
    expect(second.on).not.toBe(first.on);
    const third = hosted.begin();
    const fourth = hosted.begin();
    expect(new Set([third.on, fourth.on])).toEqual(new Set([first.on, second.on]));
    hosted.instances[2]!.state = "ready";
    const fifth = hosted.begin();
    expect([first.on, second.on]).not.toContain(fifth.on);
    expect(hosted.plugin.state).toBe("ready");
  });

  it("drains before it stops, and tells what is left by then to stop", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const hosted = host();
    await started(hosted);
    const quick = hosted.begin();
    const slow = hosted.begin();
    const stop = hosted.plugin.stop(1_000, reason);
    expect(hosted.plugin.destination().kind).toBe("refused");
    quick.end();
    vi.advanceTimersByTime(999);
    expect([slow.stopped, hosted.instances[0]!.stops]).toEqual([[], 0]);
    vi.advanceTimersByTime(1);
    await stop;
    expect([quick.stopped, slow.stopped]).toEqual([[], ["host-stopping"]]);
    expect([hosted.instances[0]!.stops, hosted.plugin.inFlight]).toEqual([1, 0]);
    expect([vi.getTimerCount(), hosted.clock.waiting]).toEqual([0, 0]);
  });

  it("takes the shorter time when it is stopped again", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const hosted = host();
    await started(hosted);
    const slow = hosted.begin();
    const first = hosted.plugin.stop(60_000, reason);
    const second = hosted.plugin.stop(0, reason);
    vi.advanceTimersByTime(1);
    await Promise.all([first, second]);
    expect(slow.stopped).toEqual(["host-stopping"]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("drains each time that it is started and stopped again", async () => {
    const hosted = host();
    for (let round = 0; round < 3; round += 1) {
      await started(hosted);
      const running = hosted.begin();
      let over = false;
      const stop = hosted.plugin.stop(60_000, reason).then(() => {
        over = true;
      });
      await turns(2);
      expect(over).toBe(false);
      running.end();
      await stop;
    }
  });

  it("reloads without a moment in which nothing takes a request", async () => {
    const hosted = host();
    await started(hosted);
    const old = hosted.begin();
    const reload = hosted.plugin.reload(60_000);
    await turns(1);
    const before = hosted.begin();
    expect(before.on).toBe(old.on);
    hosted.instances[1]!.rise();
    await turns(1);
    const after = hosted.begin();
    expect(after.on).not.toBe(old.on);
    expect(hosted.plugin.inFlight).toBe(3);
    old.end();
    before.end();
    await reload;
    expect(hosted.instances.map(({ state }) => state)).toEqual(["stopped", "ready"]);
  });

  it("keeps the old instances where a new one does not become ready", async () => {
    const hosted = host({}, 2);
    await started(hosted);
    const reload = hosted.plugin.reload(0);
    await turns(1);
    hosted.instances[2]!.rise();
    hosted.instances[3]!.fall(new ServeHTTPError("connection-failed", "it exited"));
    await expect(reload).rejects.toThrow("it exited");
    expect(hosted.instances.map(({ state }) => state)).toEqual([
      "ready",
      "ready",
      "stopped",
      "stopped",
    ]);
    hosted.begin();
  });

  it("reloads one after the other, and leaves no instance behind", async () => {
    const hosted = host();
    await started(hosted);
    const reloads = [hosted.plugin.reload(0), hosted.plugin.reload(0), hosted.plugin.reload(0)];
    for (let made = 1; made <= 3; made += 1) {
      await turns(2);
      expect(hosted.instances).toHaveLength(made + 1);
      hosted.instances[made]!.rise();
    }
    await Promise.all(reloads);
    expect(hosted.instances.map(({ state }) => state)).toEqual([
      "stopped",
      "stopped",
      "stopped",
      "ready",
    ]);
  });

  it("stops what a reload has begun to start", async () => {
    const hosted = host();
    await started(hosted);
    const reload = hosted.plugin.reload(0);
    await turns(1);
    expect(hosted.instances[1]?.state).toBe("starting");
    await Promise.all([
      expect(reload).rejects.toMatchObject({ code: "host-stopping" }),
      hosted.plugin.stop(0, reason),
    ]);
    expect(hosted.instances.map(({ state }) => state)).toEqual(["stopped", "stopped"]);
    await expect(hosted.plugin.reload(0)).rejects.toMatchObject({ code: "unavailable" });
    expect(hosted.instances).toHaveLength(2);
  });

  it("sends nothing to an instance that says it is not serving", async () => {
    const hosted = host({}, 2);
    await started(hosted);
    hosted.instances[0]!.serving = false;
    hosted.clock.advance(healthIntervalMs);
    await turns(1);
    const [one, other] = [hosted.begin(), hosted.begin()];
    expect(one.on).toBe(other.on);
    hosted.instances[0]!.serving = true;
    hosted.clock.advance(healthIntervalMs);
    await turns(1);
    expect(hosted.begin().on).not.toBe(one.on);
  });

  it("has an instance replaced that answers no health check", async () => {
    const hosted = host({}, 2);
    await started(hosted);
    hosted.instances[1]!.serving = undefined;
    for (let miss = 0; miss < healthMissesMax; miss += 1) {
      hosted.clock.advance(healthIntervalMs);
      await turns(1);
      hosted.clock.advance(healthTimeoutMs);
      await turns(1);
    }
    expect(hosted.instances[0]!.failed).toEqual([]);
    expect(hosted.instances[1]!.failed).toEqual([expect.stringContaining("health checks")]);
    await hosted.plugin.stop(0, reason);
    expect(hosted.clock.waiting).toBe(0);
  });

  it("counts tunnels over all its instances", async () => {
    const hosted = host({ maxTunnels: 1 }, 2);
    await started(hosted);
    const one = hosted.begin();
    const other = hosted.begin();
    expect([one.on.mayTunnel, other.on.mayTunnel]).toEqual([true, true]);
    one.on.onTunnel({} as Exchange);
    expect([hosted.plugin.tunnels, other.on.mayTunnel]).toEqual([1, false]);
  });
});
