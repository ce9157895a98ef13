import { plainEnd, ServeHTTPError } from "@servehttp/contract";
import { describe, expect, it } from "vitest";
import type { Destination } from "../exchange/destination.js";
import {
  healthIntervalMs,
  healthMissesMax,
  healthTimeoutMs,
  retryBudget,
  sayAgainMs,
  steadyMs,
  tunnelCloseMs,
} from "../limits.js";
import { connectedOf } from "../test-rig/connected-of.js";
import { hostedSettings } from "../test-rig/hosted-settings.js";
import { logRecords } from "../test-rig/log-records.js";
import { MemoryExchange, memoryInstances, type MemoryRun } from "../test-rig/memory-run.js";
import { ManualClock, turns } from "@servehttp/testkit";
import { HostedPlugin, type HostedPluginSettings } from "./hosted-plugin.js";

function host(settings: Partial<HostedPluginSettings> = {}, count = 1) {
  const clock = new ManualClock();
  const runs: MemoryRun[] = [];
  const { logger, records } = logRecords();
  const plugin = new HostedPlugin(
    hostedSettings({
      logger,
      clock,
      makeInstances: memoryInstances(runs, clock, count),
      ...settings,
    }),
    () => undefined,
  );
  return {
    plugin,
    clock,
    runs,
    records,
    /** Begins an exchange where the plugin sends one now. */
    begin: () => new MemoryExchange(connectedOf(plugin.destination())),
    /** Refuses a request, as the listener does. Returns why. */
    refuse: () => {
      const destination = plugin.destination();
      if (destination.kind !== "refused") {
        throw new Error(`it is not refused: ${destination.kind}`);
      }
      plugin.refused(destination.error);
      return destination.error;
    },
    /** A request that waits: where it went, once it did. */
    wait: () => {
      const destination = plugin.destination();
      if (destination.kind !== "wait") {
        throw new Error(`it does not wait: ${destination.kind}`);
      }
      const went: Destination[] = [];
      const leave = destination.wait((next) => void went.push(next));
      return { went, leave };
    },
    /** Has the plugin started, and all its instances ready. */
    start: async () => {
      const starting = plugin.start();
      for (const run of runs) {
        run.rise();
      }
      await starting;
    },
  };
}

const reason = new ServeHTTPError("host-stopping", "the test stops it");
const going = new ServeHTTPError("unavailable", "it goes");

describe("HostedPlugin", () => {
  it("refuses until it is started, and when it is over its limit", async () => {
    const hosted = host({ maxInFlight: 2 });
    expect(hosted.plugin.destination()).toMatchObject({
      kind: "refused",
      error: { code: "unavailable", message: "the plugin is stopped" },
    });
    await hosted.start();
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
    const starting = hosted.plugin.start();
    hosted.runs[0]!.servesHttp = false;
    hosted.runs[0]!.rise();
    await starting;
    expect(hosted.plugin.destination()).toEqual({ kind: "not-found" });
  });

  it("sends to the less busy one of two instances that are ready", async () => {
    const hosted = host({}, 2);
    await hosted.start();
    const first = hosted.begin();
    const second = hosted.begin();
    expect(second.on).not.toBe(first.on);
    const third = hosted.begin();
    const fourth = hosted.begin();
    expect(new Set([third.on, fourth.on])).toEqual(new Set([first.on, second.on]));
    hosted.runs[1]!.lose();
    await turns(1);
    const left = hosted.runs[0]!.connected;
    expect([hosted.begin().on, hosted.begin().on]).toEqual([left, left]);
    hosted.clock.advance(100);
    await turns(1);
    hosted.runs[2]!.rise();
    await turns(1);
    const fresh = hosted.runs[2]!.connected;
    expect([hosted.begin().on, hosted.begin().on, hosted.begin().on]).toEqual([
      fresh,
      fresh,
      fresh,
    ]);
    expect(hosted.plugin.state).toBe("ready");
  });

  it("cuts and escapes in the log what a plugin says of a failure (H3)", async () => {
    const hosted = host();
    await hosted.start();
    hosted.begin().fail(new ServeHTTPError("handler-failed", `\x1b[2J\n${"x".repeat(900_000)}`));
    const [record] = hosted.records.filter(({ msg }) => msg === "exchange failed");
    expect(record).toMatchObject({
      plugin: "notes",
      requestId: "1",
      outcome: "plugin-error",
      code: "handler-failed",
      reason: expect.stringMatching(/^\\x1b\[2J\\nx+…$/),
    });
    expect(JSON.stringify(record).length).toBeLessThan(2_048);
  });

  it("keeps the stack of a defect in the log", async () => {
    const hosted = host();
    await hosted.start();
    hosted.begin().fail(new ServeHTTPError("internal", "a defect"));
    expect(hosted.records.at(-1)).toMatchObject({
      code: "internal",
      err: { message: "a defect", stack: expect.stringContaining("hosted-plugin.test") },
    });
  });

  it("counts tunnels over all its instances", async () => {
    const hosted = host({ maxTunnels: 1 }, 2);
    await hosted.start();
    const one = hosted.begin();
    const other = hosted.begin();
    expect([one.on.mayTunnel, other.on.mayTunnel]).toEqual([true, true]);
    one.hijack();
    expect([hosted.plugin.tunnels, other.on.mayTunnel]).toEqual([1, false]);
  });
});

describe("stopping (L5)", () => {
  it("drains before it stops, and tells what is left by then to stop", async () => {
    const hosted = host();
    await hosted.start();
    const quick = hosted.begin();
    const slow = hosted.begin();
    const stop = hosted.plugin.stop(1_000, reason);
    expect([hosted.plugin.destination().kind, hosted.plugin.state]).toEqual([
      "refused",
      "draining",
    ]);
    quick.end();
    hosted.clock.advance(999);
    await turns(1);
    expect([slow.stopped, hosted.runs[0]!.isEnded]).toEqual([[], false]);
    hosted.clock.advance(1);
    await stop;
    expect([quick.stopped, slow.stopped]).toEqual([[], ["host-stopping"]]);
    expect([hosted.runs[0]!.isEnded, hosted.plugin.inFlight]).toEqual([true, 0]);
    expect([hosted.plugin.state, hosted.clock.waiting]).toEqual(["stopped", 0]);
  });

  it("takes the shorter time when it is stopped again", async () => {
    const hosted = host();
    await hosted.start();
    const slow = hosted.begin();
    const first = hosted.plugin.stop(60_000, reason);
    const second = hosted.plugin.stop(0, reason);
    await Promise.all([first, second]);
    expect(slow.stopped).toEqual(["host-stopping"]);
    expect(hosted.clock.waiting).toBe(0);
  });

  it("drains each time that it is started and stopped again", async () => {
    const hosted = host();
    for (let round = 0; round < 3; round += 1) {
      await hosted.start();
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

  it("starts at once what is told to start while it stops", async () => {
    const hosted = host();
    await hosted.start();
    const running = hosted.begin();
    const stop = hosted.plugin.stop(60_000, reason);
    await hosted.start();
    expect(hosted.begin().on).not.toBe(running.on);
    running.end();
    await stop;
    expect(hosted.runs.map(({ isEnded }) => isEnded)).toEqual([true, false]);
  });

  it("asks a plugin to end when nothing but tunnels runs, so that it can say why", async () => {
    const hosted = host();
    await hosted.start();
    const [run] = hosted.runs;
    const tunnel = hosted.begin();
    const download = hosted.begin();
    tunnel.hijack();
    const stop = hosted.plugin.stop(60_000, reason);
    await turns(1);
    expect(run!.asked).toBe(0);
    download.end();
    expect([run!.asked, run!.isEnded]).toEqual([1, false]);
    tunnel.end();
    await stop;
    expect([run!.asked, tunnel.stopped]).toEqual([1, []]);
  });

  it("gives tunnels a moment more than the rest, in which the plugin can say why", async () => {
    const hosted = host();
    await hosted.start();
    const [run] = hosted.runs;
    const tunnel = hosted.begin();
    const download = hosted.begin();
    tunnel.hijack();
    const stop = hosted.plugin.stop(1_000, reason);
    hosted.clock.advance(1_000);
    expect([download.stopped, tunnel.stopped, run!.asked]).toEqual([["host-stopping"], [], 1]);
    hosted.clock.advance(tunnelCloseMs);
    await stop;
    expect([tunnel.stopped, hosted.clock.waiting]).toEqual([["host-stopping"], 0]);
  });

  it("breaks tunnels at once, too, when nothing may be waited for", async () => {
    const hosted = host();
    await hosted.start();
    const tunnel = hosted.begin();
    tunnel.hijack();
    await hosted.plugin.stop(0, reason);
    expect(tunnel.stopped).toEqual(["host-stopping"]);
  });

  it("starts a removed plugin never again", async () => {
    const hosted = host();
    await hosted.start();
    const removed = hosted.plugin.remove(0, reason);
    await expect(hosted.plugin.start()).rejects.toMatchObject({ code: "unavailable" });
    await removed;
    await expect(hosted.plugin.start()).rejects.toMatchObject({ code: "unavailable" });
    expect(hosted.runs).toHaveLength(1);
  });
});

describe("reloading (L5)", () => {
  it("replaces its instances without a moment in which nothing takes a request", async () => {
    const hosted = host();
    await hosted.start();
    const old = hosted.begin();
    const reload = reloaded(hosted, 60_000);
    await turns(1);
    const before = hosted.begin();
    expect(before.on).toBe(old.on);
    hosted.runs[1]!.rise();
    await turns(1);
    const after = hosted.begin();
    expect(after.on).not.toBe(old.on);
    expect(hosted.plugin.inFlight).toBe(3);
    old.end();
    before.end();
    await reload;
    expect(hosted.runs.map(({ isEnded }) => isEnded)).toEqual([true, false]);
  });

  it("keeps the old instances where a new one does not become ready", async () => {
    const hosted = host({}, 2);
    await hosted.start();
    const reload = reloaded(hosted, 0);
    await turns(1);
    hosted.runs[2]!.rise();
    hosted.runs[3]!.fail();
    await expect(reload).rejects.toThrow("it exited");
    expect(hosted.runs.map(({ isEnded }) => isEnded)).toEqual([false, false, true, true]);
    hosted.begin();
    expect(hosted.plugin.failures).toMatchObject([{ message: "it exited" }]);
  });

  it("reloads one after the other, and leaves no instance behind", async () => {
    const hosted = host();
    await hosted.start();
    const reloads = [reloaded(hosted, 0), reloaded(hosted, 0), reloaded(hosted, 0)];
    for (let made = 1; made <= 3; made += 1) {
      await turns(2);
      expect(hosted.runs).toHaveLength(made + 1);
      hosted.runs[made]!.rise();
    }
    await Promise.all(reloads);
    expect(hosted.runs.map(({ isEnded }) => isEnded)).toEqual([true, true, true, false]);
  });

  it("stops what a reload has begun to start", async () => {
    const hosted = host();
    await hosted.start();
    const reload = reloaded(hosted, 0);
    await turns(1);
    expect(hosted.runs).toHaveLength(2);
    await Promise.all([
      expect(reload).rejects.toMatchObject({ code: "host-stopping" }),
      hosted.plugin.stop(0, reason),
    ]);
    expect(hosted.runs.map(({ isEnded }) => isEnded)).toEqual([true, true]);
    await expect(reloaded(hosted, 0)).rejects.toMatchObject({ code: "unavailable" });
    expect(hosted.runs).toHaveLength(2);
  });

  it("brings a plugin back that failed too often", async () => {
    const hosted = host();
    await failTooOften(hosted);
    const reload = reloaded(hosted, 0);
    await turns(1);
    hosted.runs.at(-1)!.rise();
    await reload;
    hosted.begin();
    expect(hosted.plugin.state).toBe("ready");
  });
});

/** As `host.reload` does: until the old instances are gone. */
async function reloaded({ plugin }: ReturnType<typeof host>, drainMs: number): Promise<void> {
  const { drained } = await plugin.reload(drainMs);
  await drained;
}

async function failTooOften(hosted: ReturnType<typeof host>): Promise<void> {
  hosted.plugin.start().catch(() => undefined);
  while (hosted.plugin.state !== "failed") {
    hosted.runs.at(-1)!.fail();
    await turns(1);
    hosted.clock.advance(40_000 / 2 ** 6);
    await turns(1);
  }
}

describe("waiting (L8)", () => {
  it("lets requests wait while it starts, and go on when it is ready", async () => {
    const hosted = host();
    const starting = hosted.plugin.start();
    const [one, other] = [hosted.wait(), hosted.wait()];
    hosted.clock.advance(4_999);
    expect([one.went, other.went]).toEqual([[], []]);
    hosted.runs[0]!.rise();
    await starting;
    expect([one.went, other.went]).toMatchObject([[{ kind: "exchange" }], [{ kind: "exchange" }]]);
    await hosted.plugin.stop(0, reason);
    expect(hosted.clock.waiting).toBe(0);
  });

  it("lets requests wait while it restarts after a crash, or closes in good order", async () => {
    const hosted = host();
    await hosted.start();
    hosted.runs[0]!.lose();
    await turns(1);
    const crashed = hosted.wait();
    hosted.clock.advance(100);
    await turns(1);
    hosted.runs[1]!.rise();
    await turns(1);
    expect(crashed.went).toMatchObject([{ kind: "exchange" }]);
    hosted.clock.advance(steadyMs);
    hosted.runs[1]!.lose("plugin-closing");
    await turns(1);
    const closed = hosted.wait();
    hosted.runs[2]!.rise();
    await turns(1);
    expect(closed.went).toMatchObject([{ kind: "exchange" }]);
  });

  it("refuses a request whose time is over", async () => {
    const hosted = host();
    hosted.plugin.start().catch(() => undefined);
    const one = hosted.wait();
    hosted.clock.advance(1_000);
    const later = hosted.wait();
    hosted.clock.advance(4_000);
    expect(one.went).toMatchObject([{ kind: "refused", error: { code: "unavailable" } }]);
    expect(later.went).toEqual([]);
    await hosted.plugin.stop(0, reason);
    expect(later.went).toMatchObject([{ kind: "refused" }]);
    expect(hosted.clock.waiting).toBe(0);
  });

  it("refuses those that come on top of its bound, until one leaves", () => {
    const hosted = host();
    hosted.plugin.start().catch(() => undefined);
    const [first] = [hosted.wait(), hosted.wait(), hosted.wait()];
    expect(hosted.plugin.destination()).toMatchObject({
      kind: "refused",
      error: { code: "overload" },
    });
    first.leave();
    hosted.wait();
    hosted.clock.advance(5_000);
    expect(first.went).toEqual([]);
  });

  it("looks later each time for a place for what never reached the plugin (S3)", async () => {
    const hosted = host();
    await hosted.start();
    const exchange = hosted.begin();
    const plugin = exchange.on;
    for (const [times, delayMs] of [25, 100, 400].entries()) {
      const went: unknown[] = [];
      exchange.giveBack({ error: going, timesBefore: times + 1 }, (next) => went.push(next));
      hosted.clock.advance(delayMs - 1);
      expect(went).toEqual([]);
      hosted.clock.advance(1);
      expect(went).toEqual([plugin]);
    }
    const went: unknown[] = [];
    const leave = exchange.giveBack({ error: going, timesBefore: 1 }, (next) => went.push(next));
    leave();
    hosted.clock.advance(1_000);
    expect(went).toEqual([]);
    expect(hosted.plugin.retries).toMatchObject({ "same-instance": 3, none: 0 });
  });

  it("gives back what an instance can't open whose connection is gone", async () => {
    const hosted = host();
    await hosted.start();
    const [run] = hosted.runs as [MemoryRun];
    run.isGone = true;
    const aborts: unknown[] = [];
    const channel = run.connected!.openExchange({
      receive: () => undefined,
      abort: ({ code }, unsent) => void aborts.push([code, unsent]),
    });
    void channel.send({ end: plainEnd });
    await turns(1);
    expect(aborts).toEqual([["unavailable", [{ end: plainEnd }]]]);
  });

  it("sends to another instance what one gives back, to the least busy that is ready", async () => {
    const hosted = host({}, 3);
    await hosted.start();
    const busy = [hosted.begin(), hosted.begin(), hosted.begin()];
    busy[2]!.end();
    const went: unknown[] = [];
    busy[0]!.giveBack({ error: going, timesBefore: 0 }, (next) => went.push(next));
    expect(hosted.plugin.inFlight).toBe(1);
    hosted.clock.advance(0);
    expect(went).toEqual([busy[2]!.on]);
    expect(hosted.plugin.retries).toEqual({ "another-instance": 1, "same-instance": 0, none: 0 });
  });

  it("lets wait what is given back while no instance is ready, within the bounds of all who wait", async () => {
    const hosted = host();
    await hosted.start();
    const exchanges = Array.from({ length: 4 }, () => hosted.begin());
    hosted.clock.advance(steadyMs);
    hosted.runs[0]!.lose("plugin-closing");
    await turns(5);
    const went: unknown[] = [];
    for (const exchange of exchanges) {
      exchange.giveBack({ error: going, timesBefore: 0 }, (next) => went.push(next));
    }
    hosted.clock.advance(0);
    expect([hosted.plugin.waiting, went]).toEqual([
      3,
      [expect.objectContaining({ code: "overload" })],
    ]);
    hosted.runs[1]!.rise();
    await turns(5);
    expect(went.slice(1)).toEqual(Array(3).fill(hosted.runs[1]!.connected));
    expect(hosted.plugin.retries).toEqual({ "another-instance": 3, "same-instance": 0, none: 1 });
  });

  it("sends nothing to the instance that has no room for it, only to another", async () => {
    const full = new ServeHTTPError("overload", "more than 1 exchanges on one connection");
    for (const [instances, goesOn] of [
      [1, false],
      [2, true],
    ] as const) {
      const hosted = host({}, instances);
      await hosted.start();
      const exchange = hosted.begin();
      const went: unknown[] = [];
      exchange.giveBack({ error: full, timesBefore: 0 }, (next) => went.push(next));
      hosted.clock.advance(0);
      expect(went).toEqual([goesOn ? hosted.runs[1]!.connected : full]);
    }
  });

  it("tries no more again than its budget allows, which what ends well fills up", async () => {
    const { atFirst, exchangesPerRetry } = retryBudget;
    const hosted = host({ maxInFlight: 1_000 }, 2);
    await hosted.start();
    const went: unknown[] = [];
    const giveBack = () => {
      hosted.begin().giveBack({ error: going, timesBefore: 0 }, (next) => went.push(next));
      hosted.clock.advance(0);
      return went.pop();
    };
    for (let times = 0; times < atFirst; times += 1) {
      expect(giveBack()).not.toBeInstanceOf(ServeHTTPError);
    }
    expect(giveBack()).toMatchObject({
      code: "unavailable",
      message: "it goes; not tried again, as too many others were",
    });
    for (let times = 0; times < exchangesPerRetry; times += 1) {
      hosted.begin().end();
    }
    expect(giveBack()).not.toBeInstanceOf(ServeHTTPError);
    expect(giveBack()).toBeInstanceOf(ServeHTTPError);
    expect(hosted.plugin.retries).toMatchObject({ "another-instance": atFirst + 1, none: 2 });
  });

  it.each([{ maxWaiting: 0 }, { waitMs: 0 }])("lets no request wait with %j", (settings) => {
    const hosted = host(settings);
    hosted.plugin.start().catch(() => undefined);
    expect(hosted.plugin.destination()).toMatchObject({
      kind: "refused",
      error: { code: "unavailable", message: "the plugin is starting" },
    });
  });

  it("refuses at once where the next attempt comes too late, and says when that is", async () => {
    const hosted = host({ waitMs: 1_000 });
    hosted.plugin.start().catch(() => undefined);
    // After 100, 200, 400 and 800 ms.
    for (let failures = 1; failures <= 4; failures += 1) {
      hosted.runs.at(-1)!.fail();
      await turns(1);
      expect(hosted.plugin.destination().kind).toBe("wait");
      hosted.clock.advance(60_000);
      await turns(1);
    }
    hosted.runs.at(-1)!.fail();
    await turns(1);
    expect(hosted.plugin.destination()).toMatchObject({
      kind: "refused",
      error: { code: "unavailable" },
      retryAfterSeconds: 2,
    });
  });

  it("refuses at once when it failed too often, and says so once a minute (H4)", async () => {
    const hosted = host();
    await failTooOften(hosted);
    const said = () => hosted.records.filter(({ msg }) => /requests come for/.test(String(msg)));
    for (let count = 0; count < 10; count += 1) {
      expect(hosted.refuse().message).toBe("the plugin is failed");
    }
    expect(said()).toHaveLength(1);
    expect(said()).toMatchObject([
      {
        level: 50,
        plugin: "notes",
        refused: 1,
        msg: expect.stringContaining('host.reload("notes")'),
      },
    ]);
    hosted.clock.advance(sayAgainMs);
    hosted.refuse();
    expect(said()).toHaveLength(2);
    expect(said()[1]).toMatchObject({ refused: 10 });
  });

  it("counts every refused request, and says so once for each reason (H4)", async () => {
    const hosted = host({ maxInFlight: 0, waitMs: 0 });
    const said = () => hosted.records.filter(({ msg }) => /are refused/.test(String(msg)));
    const started = hosted.plugin.start();
    hosted.refuse();
    hosted.refuse();
    hosted.runs[0]!.rise();
    await started;
    hosted.refuse();
    hosted.refuse();
    expect(said()).toMatchObject([
      { level: 40, refused: 1, msg: "requests are refused: the plugin is starting" },
      { level: 40, refused: 1, msg: "requests are refused: too many exchanges at once" },
    ]);
    expect(said()[1]).toMatchObject({ plugin: "notes", code: "overload", outcome: "overload" });
    expect(Object.fromEntries(hosted.plugin.outcomes)).toEqual({ unavailable: 2, overload: 2 });
  });
});

describe("health (S6)", () => {
  it("sends nothing to an instance that says it is not serving", async () => {
    const hosted = host({}, 2);
    await hosted.start();
    hosted.runs[0]!.isServing = false;
    hosted.clock.advance(healthIntervalMs);
    await turns(1);
    const [one, other] = [hosted.begin(), hosted.begin()];
    expect(one.on).toBe(other.on);
    hosted.runs[0]!.isServing = true;
    hosted.clock.advance(healthIntervalMs);
    await turns(1);
    expect(hosted.begin().on).not.toBe(one.on);
  });

  it("is told when it is asked for, by all instances together", async () => {
    const hosted = host({}, 2);
    expect(await hosted.plugin.isServing()).toBe(false);
    await hosted.start();
    const [one, other] = hosted.runs;
    expect(await hosted.plugin.isServing()).toBe(true);
    other!.isServing = false;
    expect(await hosted.plugin.isServing()).toBe(false);
    other!.isServing = true;
    one!.isServing = undefined;
    const silent = hosted.plugin.isServing();
    hosted.clock.advance(healthTimeoutMs);
    expect(await silent).toBe(false);
  });

  it("sends nothing to an instance from its first miss on, and has it replaced in the end", async () => {
    const hosted = host({}, 2);
    await hosted.start();
    const [silent, other] = hosted.runs;
    silent!.isServing = undefined;
    hosted.clock.advance(healthIntervalMs);
    await turns(1);
    hosted.clock.advance(healthTimeoutMs);
    const [one, two] = [hosted.begin(), hosted.begin()];
    expect(one.on).toBe(two.on);
    expect(one.on).toBe(await other!.ready);
    hosted.clock.advance((healthMissesMax - 1) * healthTimeoutMs);
    await turns(1);
    expect([silent!.isEnded, other!.isEnded]).toEqual([true, false]);
    expect(hosted.plugin.failures).toMatchObject([{ code: "deadline" }]);
    await hosted.plugin.stop(0, reason);
    expect(hosted.clock.waiting).toBe(0);
  });

  it("lets requests wait for an only instance that is late, and go on when it answers", async () => {
    const hosted = host();
    await hosted.start();
    hosted.runs[0]!.isServing = undefined;
    hosted.clock.advance(healthIntervalMs);
    await turns(1);
    hosted.clock.advance(healthTimeoutMs);
    const waiting = hosted.wait();
    expect(waiting.went).toEqual([]);
    hosted.runs[0]!.answer(true);
    await turns(1);
    expect(waiting.went).toMatchObject([{ kind: "exchange" }]);
  });
});
