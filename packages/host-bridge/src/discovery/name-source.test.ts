import type { SrvRecord } from "node:dns";
import { ServeHTTPError } from "@servehttp/contract";
import { ManualClock, turns } from "@servehttp/testkit";
import { describe, expect, it } from "vitest";
import { nameIntervalMs } from "../limits.js";
import { readNamingUrl } from "../options/naming-url.js";
import type { FoundAddress } from "./address-source.js";
import type { FoundHost, FoundService, NameLookup } from "./name-lookup.js";
import { NameSource } from "./name-source.js";

/** A source whose looks a test answers, one after the other. */
function looking(url: string, isSecure = false) {
  const clock = new ManualClock();
  const asked: { name: string; answer: PromiseWithResolvers<FoundHost> }[] = [];
  const service = Promise.withResolvers<FoundService>();
  const lookup: NameLookup = {
    addresses: (name) => {
      const answer = Promise.withResolvers<FoundHost>();
      asked.push({ name, answer });
      return answer.promise;
    },
    services: () => service.promise,
  };
  const naming = readNamingUrl(url)!;
  const source = new NameSource({ url, naming, isSecure, lookup, clock, chance: () => 0 });
  const lists: (readonly FoundAddress[])[] = [];
  const failures: [message: string, retryMs: number][] = [];
  source.start({
    onAddresses: (addresses) => void lists.push(addresses),
    onFailure: ({ message }, retryMs) => void failures.push([message, retryMs]),
  });
  return {
    clock,
    source,
    lists,
    failures,
    /** The names that were asked for so far. */
    get asked() {
      return asked.map(({ name }) => name);
    },
    async answer(
      addresses: readonly string[],
      ttlMs?: number,
      why?: string,
      unknown?: FoundHost["unknown"],
    ) {
      asked.at(-1)!.answer.resolve({
        addresses,
        ttlMs,
        ...(why !== undefined && { why }),
        ...(unknown !== undefined && { unknown }),
      });
      await turns(1);
    },
    async fail(message: string) {
      asked.at(-1)!.answer.reject(new ServeHTTPError("unavailable", message));
      await turns(1);
    },
    /** What DNS has for a service, and for each of its targets. */
    async serve(targets: readonly SrvRecord[], hosts: Readonly<Record<string, FoundHost>>) {
      service.resolve({ targets });
      await turns(1);
      for (const { name, answer } of asked) {
        const host = hosts[name];
        if (host === undefined) {
          answer.reject(new ServeHTTPError("unavailable", "SERVFAIL"));
        } else {
          answer.resolve(host);
        }
      }
      await turns(1);
    },
  };
}

const url = "dns:///search.test:50051";
const at = (address: string) => `http://${address}:50051`;
const urls = (list: readonly FoundAddress[] | undefined) => list?.map((one) => one.url);

describe("NameSource", () => {
  it("tells all addresses of a host, IPv6 as well", async () => {
    const search = looking(url);
    await search.answer(["10.0.0.1", "fd00::1", "10.0.0.1"], 5_000);
    expect(search.asked).toEqual(["search.test"]);
    expect(urls(search.lists[0])).toEqual([at("10.0.0.1"), at("[fd00::1]")]);
  });

  it("keeps the addresses of a kind that nobody can say anything of, and no others", async () => {
    const search = looking(url);
    await search.answer(["10.0.0.1", "fd00::1"], 5_000);
    search.clock.advance(5_000);
    await search.answer(["10.0.0.2"], 5_000, undefined, "IPv6");
    search.clock.advance(5_000);
    await search.answer(["10.0.0.3"], 5_000, undefined, "IPv6");
    search.clock.advance(5_000);
    await search.answer(["10.0.0.3"], 5_000);
    expect(search.lists.map(urls)).toEqual([
      [at("10.0.0.1"), at("[fd00::1]")],
      [at("10.0.0.2"), at("[fd00::1]")],
      [at("10.0.0.3"), at("[fd00::1]")],
      [at("10.0.0.3")],
    ]);
  });

  it("connects by TLS where it is to, and checks the name that was asked for", async () => {
    const search = looking("dns:///search.test.:50051", true);
    await search.answer(["10.0.0.1"], 5_000);
    expect(search.lists[0]).toMatchObject([
      { url: "https://10.0.0.1:50051", serverName: "search.test" },
    ]);
  });

  it.each([
    ["its time to live", 20_000, 20_000],
    ["at least a second", 0, nameIntervalMs.min],
    ["at most a minute", 86_400_000, nameIntervalMs.max],
    ["five seconds, where nobody says how long", undefined, nameIntervalMs.unknown],
  ])("looks again after %s", async (_what, ttlMs, againMs) => {
    const search = looking(url);
    await search.answer(["10.0.0.1"], ttlMs);
    search.clock.advance(againMs - 1);
    expect(search.asked).toHaveLength(1);
    search.clock.advance(1);
    expect(search.asked).toHaveLength(2);
    await search.answer(["10.0.0.2"], ttlMs);
    expect(urls(search.lists.at(-1))).toEqual([at("10.0.0.2")]);
  });

  it("looks again soon after a loss, and never twice within a second", async () => {
    const search = looking(url);
    await search.answer(["10.0.0.1"], 60_000);
    search.clock.advance(10_000);
    search.source.refresh();
    search.clock.advance(0);
    expect(search.asked).toHaveLength(2);
    search.source.refresh();
    await search.answer(["10.0.0.1"], 60_000);
    search.source.refresh();
    search.clock.advance(999);
    expect(search.asked).toHaveLength(2);
    search.clock.advance(1);
    expect(search.asked).toHaveLength(3);
    await search.answer(["10.0.0.2"], 60_000);
    search.clock.advance(59_999);
    expect(search.asked).toHaveLength(3);
  });

  it("keeps what it has told where a look fails or finds nothing, and looks again", async () => {
    const search = looking(url);
    await search.answer(["10.0.0.1"], 5_000);
    search.clock.advance(5_000);
    await search.fail("the DNS server failed (SERVFAIL)");
    search.clock.advance(800);
    await search.answer([], undefined, "DNS has no such name (NXDOMAIN)");
    search.clock.advance(1_600);
    expect(search.failures).toEqual([
      [`${url}: the DNS server failed (SERVFAIL)`, 800],
      [`${url}: DNS has no such name (NXDOMAIN)`, 1_600],
    ]);
    expect(search.lists).toHaveLength(1);
    await search.answer(["10.0.0.2"], 5_000);
    expect(urls(search.lists.at(-1))).toEqual([at("10.0.0.2")]);
  });

  it("tells the targets of a service with their weights and priorities", async () => {
    const search = looking("srv:///_grpc._tcp.search.test", true);
    await search.serve(
      [
        { name: "a.search.test", port: 1, weight: 0, priority: 0 },
        { name: "b.search.test", port: 2, weight: 7, priority: 3 },
        { name: "gone.search.test", port: 2, weight: 7, priority: 3 },
      ],
      {
        "a.search.test": { addresses: ["10.0.0.1", "fd00::1"], ttlMs: 2_000 },
        "b.search.test": { addresses: ["10.0.0.2"], ttlMs: undefined },
        "gone.search.test": { addresses: [], ttlMs: undefined, why: "DNS has no such name" },
      },
    );
    const serverName = "search.test";
    expect(
      search.lists[0]?.toSorted((one, other) => one.url.localeCompare(other.url)),
    ).toMatchObject([
      { url: "https://[fd00::1]:1", weight: 1, priority: 0, serverName },
      { url: "https://10.0.0.1:1", weight: 1, priority: 0, serverName },
      { url: "https://10.0.0.2:2", weight: 7, priority: 3, serverName },
    ]);
    search.clock.advance(2_000);
    await turns(1);
    expect(search.asked).toHaveLength(6);
  });

  it("tells nothing of a service of whose targets one can't be found", async () => {
    const search = looking("srv:///_grpc._tcp.search.test");
    await search.serve(
      [
        { name: "a.search.test", port: 1, weight: 0, priority: 0 },
        { name: "broken.search.test", port: 2, weight: 7, priority: 3 },
      ],
      { "a.search.test": { addresses: ["10.0.0.1"], ttlMs: 2_000 } },
    );
    expect(search.lists).toEqual([]);
    expect(search.failures).toMatchObject([[expect.stringContaining("SERVFAIL"), 800]]);
  });

  it("asks nothing and tells nothing once it is closed", async () => {
    const search = looking(url);
    search.source.close();
    await search.answer(["10.0.0.1"], 5_000);
    search.source.refresh();
    search.clock.advance(60_000);
    expect({ lists: search.lists, failures: search.failures, asked: search.asked.length }).toEqual({
      lists: [],
      failures: [],
      asked: 1,
    });
    expect(search.clock.waiting).toBe(0);
  });
});
