import { ServeHTTPError } from "@servehttp/contract";
import { ManualClock, turns } from "@servehttp/testkit";
import { describe, expect, it } from "vitest";
import { affinitySchema, type BalanceOptions, balanceSchema } from "../options/balance-options.js";
import type { Destination } from "../exchange/destination.js";
import { connectedOf } from "../test-rig/connected-of.js";
import { hostedSettings } from "../test-rig/hosted-settings.js";
import { logRecords } from "../test-rig/log-records.js";
import { MemoryExchange, memoryInstances, type MemoryRun } from "../test-rig/memory-run.js";
import { HostedPlugin } from "./hosted-plugin.js";

/** A plugin with so many instances that are ready. */
async function fleet(count: number, balance: BalanceOptions = {}) {
  const clock = new ManualClock();
  const runs: MemoryRun[] = [];
  const { logger, records } = logRecords();
  const settings = hostedSettings({
    balance: balanceSchema.parse(balance),
    maxInFlight: 10_000,
    maxTunnels: 100,
    maxWaiting: 10,
    logger,
    clock,
    makeInstances: memoryInstances(runs, clock, count),
  });
  const plugin = new HostedPlugin(settings, () => undefined);
  const starting = plugin.start();
  for (const run of runs) {
    run.rise();
  }
  await starting;
  const begin = (headers?: readonly string[]): MemoryExchange =>
    new MemoryExchange(connectedOf(plugin.destination(headers)), headers);
  return {
    plugin,
    clock,
    runs,
    records,
    settings,
    begin,
    /** The connections that got the next so many exchanges, each of which ends at once. */
    got: (times: number, headers?: readonly string[]) => {
      const connections = Array.from({ length: times }, () => {
        const exchange = begin(headers);
        exchange.end();
        return exchange.on;
      });
      return new Set(connections);
    },
  };
}

const lost = new ServeHTTPError("connection-lost", "it broke");

const going = new ServeHTTPError("unavailable", "it goes");

describe("the choice of an instance", () => {
  it("leaves an instance out that fails five times in a row, and says so once", async () => {
    const { begin, clock, got, plugin, records, runs } = await fleet(3);
    const bad = runs[0]!.connected!;
    while (plugin.ejections.size === 0) {
      const exchange = begin();
      exchange.head(exchange.on === bad ? 500 : 200);
      exchange.end();
    }
    expect(got(100)).toEqual(new Set([runs[1]!.connected, runs[2]!.connected]));
    expect([...plugin.ejections]).toEqual([["consecutive-5xx", 1]]);
    expect(plugin.instances).toEqual([
      { name: "0", state: "ejected", inFlight: 0 },
      { name: "1", state: "ready", inFlight: 0 },
      { name: "2", state: "ready", inFlight: 0 },
    ]);
    expect(records.filter(({ msg }) => String(msg).includes("gets nothing for a while"))).toEqual([
      expect.objectContaining({
        plugin: "notes",
        instance: "0",
        reason: "consecutive-5xx",
        ms: 30_000,
      }),
    ]);
    for (let second = 0; second < 30; second += 1) {
      clock.advance(1_000);
      await turns(1);
    }
    const probe = begin();
    expect(probe.on).toBe(bad);
    expect(got(50)).not.toContain(bad);
    probe.head(200);
    probe.end();
    expect(got(100)).toContain(bad);
  });

  it("leaves one out whose connections break, and none whose clients leave", async () => {
    const { begin, plugin, runs } = await fleet(3);
    const all = new Map(runs.map(({ connected }) => [connected, 0]));
    const left = new ServeHTTPError("client-disconnected", "the client left");
    for (let at = 0; at < 100; at += 1) {
      const exchange = begin();
      exchange.fail(left);
      all.set(exchange.on, (all.get(exchange.on) ?? 0) + 1);
    }
    expect([...all.values()].every((count) => count > 5)).toBe(true);
    expect(plugin.ejections.size).toBe(0);
    for (let at = 0; at < 40; at += 1) {
      begin().fail(lost);
    }
    expect([...plugin.ejections]).toEqual([["consecutive-5xx", 1]]);
  });

  it("ejects nothing where the plugin has one instance", async () => {
    const { begin, plugin } = await fleet(1);
    for (let at = 0; at < 20; at += 1) {
      begin().fail(lost);
    }
    expect(plugin.destination().kind).toBe("exchange");
    expect(plugin.ejections.size).toBe(0);
  });

  it("takes event streams and tunnels for no work", async () => {
    const { begin, got, runs } = await fleet(2);
    const first = begin();
    first.stream();
    begin().hijack();
    // One each; then the one that has less work gets the next.
    expect(runs.map(({ connected }) => connected!.streams)).toEqual([1, 1]);
    expect(runs.map(({ connected }) => connected!.busy)).toEqual([0, 0]);
    const busy = begin();
    expect(got(20)).not.toContain(busy.on);
    first.end();
    expect(first.on.streams).toBe(0);
  });

  it("sends all requests with the same header to the same instance", async () => {
    const { got } = await fleet(4, { affinity: { header: "X-User" } });
    const users = Array.from({ length: 40 }, (_, at) => ["accept", "*/*", "x-user", `u${at}`]);
    const homes = users.map((headers) => got(5, headers));
    expect(homes.every(({ size }) => size === 1)).toBe(true);
    expect(new Set(homes.flatMap((home) => [...home])).size).toBe(4);
    expect(got(100, ["X-User", ""]).size).toBe(4);
    expect(got(100).size).toBe(4);
  });

  it("binds by a cookie of the plugin's among others, in any number of fields", async () => {
    const { got } = await fleet(4, { affinity: { cookie: "sid", cookieSetBy: "plugin" } });
    const one = got(10, ["Cookie", "a=1; sid=abc; b=2"]);
    expect(one.size).toBe(1);
    expect(got(10, ["cookie", "xsid=1; sid", "cookie", "a=sid=2;\tsid=abc "])).toEqual(one);
    expect([...one][0]!.instanceCookie).toBeUndefined();
  });

  it("sets a cookie of its own that brings a client back to the instance", async () => {
    const affinity = { cookie: "route", cookieTtlSeconds: 60 };
    const { got, runs } = await fleet(3, { affinity });
    got(1);
    for (const { connected } of runs) {
      const set = connected!.instanceCookie!.setFor([], "/plugins/notes", "http");
      expect(set).toMatch(
        /^route=[a-z0-9]+; Path=\/plugins\/notes; HttpOnly; SameSite=Lax; Max-Age=60$/,
      );
      const cookie = set!.split(";")[0]!;
      expect(got(20, ["Cookie", cookie])).toEqual(new Set([connected]));
      // Who has it is not sent it again.
      const has = ["Cookie", `a=b; ${cookie}`];
      expect(connected!.instanceCookie!.setFor(has, "", "http")).toBeUndefined();
    }
    const [{ connected }] = runs as [MemoryRun];
    expect(connected!.instanceCookie!.setFor([], "", "https")).toMatch(/; Path=\/; .*; Secure$/);
  });

  it("keeps a client's cookie for cross-site pages to https", () => {
    const affinity = affinitySchema.parse({ cookie: "route", cookieSameSite: "none" });
    expect(affinity).toMatchObject({ cookieSetBy: "host", cookieTtlSeconds: 0 });
  });

  it("keeps a request bound that waits, or that goes on elsewhere", async () => {
    const { clock, got, plugin, runs } = await fleet(3, { affinity: { header: "x-user" } });
    const headers = ["x-user", "ann"];
    const [home] = got(5, headers);
    const index = runs.findIndex(({ connected }) => connected === home);
    // Given back: it never reached the plugin, whose instance is still there.
    const went: unknown[] = [];
    const exchange = new MemoryExchange(home!, headers);
    exchange.giveBack({ error: going, timesBefore: 0 }, (next) => went.push(next));
    clock.advance(0);
    expect(went).toEqual([home]);
    // All of them are gone and come again.
    for (const run of runs.slice(0, 3)) {
      run.lose();
    }
    await turns(2);
    const destination = plugin.destination(headers);
    const waited: Destination[] = [];
    expect(destination.kind).toBe("wait");
    (destination as Extract<Destination, { kind: "wait" }>).wait((next) => void waited.push(next));
    clock.advance(100);
    await turns(2);
    for (const at of [(index + 1) % 3, (index + 2) % 3, index]) {
      runs[3 + at]!.rise();
      await turns(2);
    }
    expect(waited).toHaveLength(1);
    expect(got(5, headers)).toEqual(new Set([runs[3 + index]!.connected]));
  });

  it("chooses by other options from the moment that they are taken", async () => {
    const { got, plugin, settings } = await fleet(3);
    expect(got(50, ["x-user", "ann"]).size).toBe(3);
    plugin.adopt({ ...settings, balance: balanceSchema.parse({ affinity: { header: "x-user" } }) });
    expect(got(50, ["x-user", "ann"]).size).toBe(1);
  });
});
