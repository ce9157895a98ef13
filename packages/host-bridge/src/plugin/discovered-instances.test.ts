import { ServeHTTPError } from "@servehttp/contract";
import { ManualClock, turns } from "@servehttp/testkit";
import { describe, expect, it } from "vitest";
import type { Destination } from "../exchange/destination.js";
import { sayAgainMs } from "../limits.js";
import { withDetails } from "../process/with-details.js";
import { connectedOf } from "../test-rig/connected-of.js";
import { hostedSettings } from "../test-rig/hosted-settings.js";
import { logRecords } from "../test-rig/log-records.js";
import { MemoryExchange, memoryInstance, type MemoryRun } from "../test-rig/memory-run.js";
import { MemorySource } from "../test-rig/memory-source.js";
import { DiscoveredInstances } from "./discovered-instances.js";
import { HostedPlugin } from "./hosted-plugin.js";

const startMs = 10_000;

/** A plugin at addresses that the test tells. */
function fleet() {
  const clock = new ManualClock();
  const { logger: hostLogger, records } = logRecords();
  const logger = withDetails(hostLogger, { plugin: "search" });
  /** One for each time that the instances are made. */
  const sources: MemorySource[] = [];
  /** The connections, by their address, oldest first. */
  const runs = new Map<string, MemoryRun[]>();
  const settings = hostedSettings({
    id: "search",
    logger,
    clock,
    makeInstances: (shared, watch) => {
      const source = new MemorySource();
      sources.push(source);
      return new DiscoveredInstances({
        pluginId: "search",
        source,
        make: (address, told) => {
          const at = runs.get(address.url) ?? [];
          runs.set(address.url, at);
          return memoryInstance(at, clock, { shared, watch: told, address });
        },
        startMs,
        watch,
        logger,
        clock,
      });
    },
  });
  const plugin = new HostedPlugin(settings, () => undefined);
  const run = (url: string): MemoryRun => {
    const last = runs.get(url)?.at(-1);
    if (last === undefined) {
      throw new Error(`nobody has connected to ${url}`);
    }
    return last;
  };
  return {
    plugin,
    settings,
    clock,
    records,
    sources,
    run,
    /** Lets time pass in which instances answer. */
    async pass(ms: number) {
      for (let passedMs = 0; passedMs < ms; passedMs += 500) {
        clock.advance(500);
        await turns(2);
      }
    },
    get source() {
      return sources.at(-1)!;
    },
    /** Starts it, and has these addresses ready. */
    async start(...urls: string[]) {
      const starting = plugin.start();
      sources.at(-1)!.tell(...urls);
      for (const url of urls) {
        run(url).rise();
      }
      await starting;
      await turns(1);
    },
    /** Begins an exchange where the plugin sends one now. */
    begin: () => new MemoryExchange(connectedOf(plugin.destination())),
    /** How many of so many exchanges go to each address. */
    spread(count: number): Readonly<Record<string, number>> {
      const exchanges = Array.from({ length: count }, () => this.begin());
      const counts = Array.from(runs, ([url, at]) => [
        url,
        exchanges.filter(({ on }) => at.some(({ connected }) => connected === on)).length,
      ]);
      for (const exchange of exchanges) {
        exchange.end();
      }
      return Object.fromEntries(counts);
    },
  };
}

const [a, b, c] = ["http://10.0.0.1:1", "http://10.0.0.2:1", "http://10.0.0.3:1"] as const;
const stopping = new ServeHTTPError("host-stopping", "the test stops it");
const noName = new ServeHTTPError("unavailable", "DNS has no such name");

describe("DiscoveredInstances", () => {
  it("sends to an address that has come once it has described itself", async () => {
    const search = fleet();
    await search.start(a);
    search.source.tell(a, b);
    expect(search.spread(4)).toEqual({ [a]: 4, [b]: 0 });
    search.run(b).rise();
    await turns(1);
    expect(search.spread(4)).toEqual({ [a]: 2, [b]: 2 });
  });

  it.each([
    ["is not listed any more", []],
    ["is terminating", [{ url: a, terminating: true }]],
  ])("lets what runs on an address end that %s, and sends it nothing new", async (_what, more) => {
    const search = fleet();
    await search.start(a);
    const exchange = search.begin();
    search.source.tell(b, ...more);
    search.run(b).rise();
    await turns(1);
    expect(search.spread(4)).toEqual({ [a]: 0, [b]: 4 });
    search.clock.advance(3_600_000);
    await turns(1);
    expect(exchange.stopped).toEqual([]);
    expect(search.run(a).isEnded).toBe(false);
    exchange.end();
    await turns(5);
    expect(search.run(a).isEnded).toBe(true);
  });

  it("connects anew to an address that comes back while it drains", async () => {
    const search = fleet();
    await search.start(a, b);
    const exchanges = [search.begin(), search.begin()];
    const before = search.run(a);
    search.source.tell(b);
    search.source.tell(a, b);
    expect(search.run(a)).not.toBe(before);
    search.run(a).rise();
    await turns(1);
    expect(exchanges.map(({ stopped }) => stopped)).toEqual([[], []]);
    expect(search.plugin.state).toBe("ready");
  });

  it("starts with the addresses that answer, and keeps trying the others", async () => {
    const search = fleet();
    const starting = search.plugin.start();
    search.source.tell(a, b);
    search.run(a).fail();
    await turns(2);
    expect(search.plugin.state).not.toBe("ready");
    search.run(b).rise();
    await starting;
    expect(search.plugin.state).toBe("ready");
    expect(search.plugin.failures).toMatchObject([{ code: "connection-failed" }]);
    await search.pass(1_000);
    search.run(a).rise();
    await turns(1);
    expect(search.spread(4)).toEqual({ [a]: 2, [b]: 2 });
    await expect(search.plugin.isServing()).resolves.toBe(true);
  });

  it("rejects a start where no address answers, and is ready when one does", async () => {
    const search = fleet();
    const starting = search.plugin.start();
    search.source.tell(a, b);
    search.run(a).fail();
    search.run(b).fail();
    await expect(starting).rejects.toMatchObject({ code: "connection-failed" });
    expect(search.plugin.state).toBe("backing-off");
    const again = search.plugin.start();
    await turns(2);
    search.run(b).rise();
    await again;
    expect(search.plugin.state).toBe("ready");
  });

  it("serves as long as one address does, however the others fail", async () => {
    const search = fleet();
    await search.start(a, b);
    search.run(a).lose();
    for (let failures = 0; failures < 10; failures += 1) {
      await search.pass(40_000);
      search.run(a).fail();
    }
    await turns(2);
    expect(search.plugin.failures.length).toBe(10);
    expect(search.plugin.state).toBe("ready");
    expect(search.spread(3)).toEqual({ [a]: 0, [b]: 3 });
    await expect(search.plugin.isServing()).resolves.toBe(true);
  });

  it("has requests wait for a first address, and for one behind an empty list", async () => {
    const search = fleet();
    const starting = search.plugin.start();
    expect(search.plugin.state).toBe("starting");
    expect(search.plugin.destination().kind).toBe("wait");
    const went: Destination[] = [];
    const wait = search.plugin.destination();
    if (wait.kind === "wait") {
      wait.wait((next) => void went.push(next));
    }
    search.source.tell();
    await expect(starting).rejects.toThrow("plugin search has no address now");
    expect(search.plugin.failures).toMatchObject([{ message: "plugin search has no address now" }]);
    expect(search.plugin.destination().kind).toBe("wait");
    search.source.tell(a);
    search.run(a).rise();
    await turns(1);
    expect(went).toMatchObject([{ kind: "exchange" }]);
  });

  it("rejects a start for which nobody tells addresses in time", async () => {
    const search = fleet();
    const starting = search.plugin.start();
    search.clock.advance(startMs);
    await expect(starting).rejects.toMatchObject({
      code: "deadline",
      message: "plugin search: nothing told where its instances are within 10000 ms",
    });
    search.source.tell(a);
    search.run(a).rise();
    await turns(1);
    expect(search.plugin.state).toBe("ready");
  });

  it("keeps the last list while nobody can tell it, and says so once a minute", async () => {
    const search = fleet();
    await search.start(a);
    search.source.fail(noName, 1_000);
    search.source.fail(noName, 1_000);
    expect(search.spread(2)).toEqual({ [a]: 2 });
    const said = () =>
      search.records.filter(({ msg }) => String(msg).startsWith("the plugin's addresses can't"));
    expect(said()).toMatchObject([
      { plugin: "search", msg: expect.stringMatching(/no such name; those that are known stay$/) },
    ]);
    search.clock.advance(sayAgainMs);
    search.source.fail(noName, 1_000);
    expect(said()).toHaveLength(2);
  });

  it("backs off where no address was ever told, and tells why", async () => {
    const search = fleet();
    const starting = search.plugin.start();
    search.source.fail(noName, 20_000);
    await expect(starting).rejects.toThrow("plugin search: DNS has no such name");
    expect(search.plugin.state).toBe("backing-off");
    expect(search.plugin.failures).toMatchObject([{ message: "DNS has no such name" }]);
    expect(search.plugin.destination()).toMatchObject({ kind: "refused", retryAfterSeconds: 20 });
    search.clock.advance(16_000);
    expect(search.plugin.destination().kind).toBe("wait");
  });

  it("looks for addresses again when a connection is lost, closed or refused", async () => {
    const search = fleet();
    await search.start(a, b);
    expect(search.source.refreshes).toBe(0);
    search.run(a).lose();
    await turns(2);
    const afterLoss = search.source.refreshes;
    expect(afterLoss).toBeGreaterThan(0);
    await search.pass(1_000);
    search.run(a).fail();
    await turns(2);
    const afterFailure = search.source.refreshes;
    expect(afterFailure).toBeGreaterThan(afterLoss);
    await search.pass(2_000);
    search.run(b).lose("plugin-closing");
    await turns(2);
    expect(search.source.refreshes).toBeGreaterThan(afterFailure);
  });

  it("counts connections after the first, those of addresses that are gone as well", async () => {
    const search = fleet();
    await search.start(a, b);
    search.run(a).lose();
    await turns(2);
    await search.pass(1_000);
    search.run(a).rise();
    await turns(1);
    expect(search.plugin.restarts).toBe(1);
    search.source.tell(b);
    expect(search.plugin.restarts).toBe(1);
  });

  it("takes over weights and priorities of an address without connecting anew", async () => {
    const search = fleet();
    await search.start(a, b);
    const before = search.run(a);
    search.source.tell({ url: a, weight: 7, priority: 1 }, b);
    expect(search.run(a)).toBe(before);
    expect(before.connected?.open).toBe(true);
  });

  it("ends all that has come and gone when it is stopped, and looks anew when it is started", async () => {
    const search = fleet();
    await search.start(a, b, c);
    const exchanges = [search.begin(), search.begin(), search.begin()];
    search.source.tell(b, c);
    const stopped = search.plugin.stop(1_000, stopping);
    expect(search.plugin.state).toBe("draining");
    expect(search.source.isClosed).toBe(true);
    search.clock.advance(1_000);
    await stopped;
    expect(exchanges.map((exchange) => exchange.stopped)).toEqual(
      Array.from(exchanges, () => ["host-stopping"]),
    );
    expect(search.plugin.state).toBe("stopped");
    expect(search.plugin.destination().kind).toBe("refused");
    await search.start(c);
    expect(search.sources).toHaveLength(2);
    expect(search.plugin.state).toBe("ready");
  });

  it("reloads with new connections to what answers, and keeps the old ones where nothing does", async () => {
    const search = fleet();
    await search.start(a, b);
    const exchange = search.begin();
    const failing = search.plugin.reload(1_000);
    await turns(1);
    search.source.tell(a, b);
    search.run(a).fail();
    search.run(b).fail();
    await expect(failing).rejects.toMatchObject({ code: "connection-failed" });
    expect(search.plugin.state).toBe("ready");
    expect(search.source.isClosed).toBe(true);
    const reloading = search.plugin.reload(1_000);
    await turns(1);
    search.source.tell(a, b);
    search.run(a).rise();
    await turns(3);
    // The other one may still come: the first alone would get everything.
    expect(exchange.on.open).toBe(true);
    search.run(b).fail();
    const { drained } = await reloading;
    expect(search.spread(2)).toEqual({ [a]: 2, [b]: 0 });
    exchange.end();
    await drained;
    expect(search.plugin.reloads).toBe(1);
  });

  it("is removed for good", async () => {
    const search = fleet();
    await search.start(a);
    await search.plugin.remove(0, stopping);
    expect(search.source.isClosed).toBe(true);
    await expect(search.plugin.start()).rejects.toThrow("plugin search was removed");
  });
});
