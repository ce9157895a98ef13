import { ServeHTTPError } from "@servehttp/contract";
import { describe, expect, it } from "vitest";
import { MemorySource } from "../test-rig/memory-source.js";
import { FixedSource } from "./fixed-source.js";
import { MergedSource } from "./merged-source.js";

const [a, b] = ["http://10.0.0.1:1", "http://10.0.0.2:1"] as const;
const noName = new ServeHTTPError("unavailable", "DNS has no such name");

function merged(...sources: readonly (MemorySource | FixedSource)[]) {
  const source = new MergedSource(sources);
  const lists: (readonly string[])[] = [];
  const failures: string[] = [];
  source.start({
    onAddresses: (addresses) => void lists.push(addresses.map(({ url }) => url)),
    onFailure: ({ message }) => void failures.push(message),
  });
  return { source, lists, failures };
}

describe("MergedSource", () => {
  it("tells the addresses of all sources, each once", () => {
    const [one, other] = [new MemorySource(), new MemorySource()];
    const { lists } = merged(new FixedSource([a]), one, other);
    one.tell(b, a);
    other.tell(b);
    one.tell();
    expect(lists.map((list) => list.toSorted())).toEqual([[a], [a, b], [a, b], [a, b]]);
  });

  it("keeps a failure to itself while another source may be about to tell addresses", () => {
    const [one, other] = [new MemorySource(), new MemorySource()];
    const { failures } = merged(one, other);
    one.fail(noName, 1_000);
    expect(failures).toEqual([]);
    other.fail(noName, 1_000);
    expect(failures).toEqual([noName.message]);
    other.tell(a);
    one.fail(noName, 1_000);
    expect(failures).toHaveLength(2);
  });

  it("passes on that addresses do not answer, and its end", () => {
    const sources = [new MemorySource(), new MemorySource()];
    const { source } = merged(...sources);
    source.refresh();
    source.close();
    expect(sources.map(({ refreshes, isClosed }) => [refreshes, isClosed])).toEqual([
      [1, true],
      [1, true],
    ]);
  });
});
