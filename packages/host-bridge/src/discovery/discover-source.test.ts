import { ManualClock, turns } from "@servehttp/testkit";
import { describe, expect, it } from "vitest";
import type { InstanceAddress } from "../options/instance-address.js";
import { logRecords } from "../test-rig/log-records.js";
import type { FoundAddress } from "./address-source.js";
import { DiscoverSource } from "./discover-source.js";

type Discover = (signal: AbortSignal) => AsyncIterable<readonly InstanceAddress[]>;

/** What a source has told of what such a function yields. */
function told(discover: Discover) {
  const clock = new ManualClock();
  const { logger } = logRecords();
  const source = new DiscoverSource({
    pluginId: "search",
    discover,
    logger,
    clock,
    chance: () => 0.5,
  });
  const lists: (readonly FoundAddress[])[] = [];
  const failures: [message: string, retryMs: number][] = [];
  source.start({
    onAddresses: (addresses) => void lists.push(addresses),
    onFailure: ({ message }, retryMs) => void failures.push([message, retryMs]),
  });
  return { clock, source, lists, failures };
}

const a = { url: "http://10.0.0.1:1" };
const b = { url: "unix:/run/b.sock", weight: 3, priority: 2, terminating: true };

describe("DiscoverSource", () => {
  it("tells each list with its defaults filled in", async () => {
    const { lists, failures } = told(async function* (signal) {
      yield [a];
      yield [];
      yield [a, b];
      await new Promise((resolve) => signal.addEventListener("abort", resolve));
    });
    await turns(2);
    const whole = { ...a, weight: 1, priority: 0, terminating: false };
    expect(lists).toEqual([[whole], [], [whole, b]]);
    expect(failures).toEqual([]);
  });

  it("calls again where it has thrown or ended, later each time, and at once after a list", async () => {
    let calls = 0;
    const { clock, lists, failures } = told(async function* () {
      calls += 1;
      if (calls === 4) {
        yield [a];
      }
      if (calls !== 2) {
        throw new Error("no registry");
      }
    });
    await turns(2);
    for (const ms of [1_000, 2_000, 4_000]) {
      clock.advance(ms - 1);
      await turns(2);
      const before = calls;
      clock.advance(1);
      await turns(2);
      expect(calls).toBe(before + 1);
    }
    const failed = "discover of plugin search failed: no registry";
    expect(failures).toEqual([
      [failed, 1_000],
      ["discover of plugin search ended", 2_000],
      [failed, 4_000],
      [failed, 1_000],
    ]);
    expect(lists).toHaveLength(1);
  });

  it.each([
    ["nothing", undefined, "got undefined, allowed is an array of addresses"],
    ["texts", ["http://a:1"], '[0]: got "http://a:1", allowed is an object with some of url,'],
    [
      "a path",
      [a, { url: "http://a:1/x" }],
      '[1].url: got "http://a:1/x", allowed is "http://host',
    ],
    ["a name", [{ url: "dns:///a:1" }], '[0].url: got "dns:///a:1", allowed is "http://host'],
    ["a share of nothing", [{ ...a, weight: 0 }], "[0].weight: got 0, allowed is a whole number"],
    ["a typo", [{ ...a, wieght: 2 }], "[0].wieght: no such option (did you mean weight?)"],
    ["an address twice", [a, a], "got an array, allowed is an array of addresses, each url once"],
  ])("refuses a list with %s, says why, and goes on", async (_what, list, message) => {
    const { lists, failures } = told(async function* (signal) {
      yield list as never;
      yield [a];
      await new Promise((resolve) => signal.addEventListener("abort", resolve));
    });
    await turns(2);
    expect(failures).toMatchObject([[expect.stringContaining(message), 0]]);
    expect(failures[0]![0]).toMatch(/^plugins\.search\.discover/);
    expect(lists).toHaveLength(1);
  });

  it("tells what is no async iterable", async () => {
    const { failures } = told((() => [[a]]) as never);
    await turns(2);
    expect(failures).toMatchObject([[expect.stringContaining("failed:"), 1_000]]);
  });

  it("ends by its signal, and where that goes unheard by return, and tells nothing from then on", async () => {
    let reason: unknown;
    let isReturned = false;
    const next = Promise.withResolvers<void>();
    const { clock, source, lists, failures } = told(async function* (signal) {
      signal.addEventListener("abort", () => (reason = signal.reason));
      try {
        yield [a];
        await next.promise;
        yield [a];
      } finally {
        isReturned = true;
      }
    });
    await turns(2);
    source.close();
    expect(reason).toMatchObject({ code: "host-stopping" });
    next.resolve();
    await turns(2);
    clock.advance(60_000);
    await turns(2);
    expect({ isReturned, lists: lists.length, failures }).toEqual({
      isReturned: true,
      lists: 1,
      failures: [],
    });
  });
});
