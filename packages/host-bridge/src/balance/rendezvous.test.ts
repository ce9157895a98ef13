import { randomRuns } from "@servehttp/testkit";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Rendezvous, type RendezvousMember } from "./rendezvous.js";

const keys = Array.from({ length: 2_000 }, (_, index) => `user-${index}`);
const someKeys = keys.slice(0, 150);

function homes(
  members: readonly RendezvousMember[],
  of: readonly string[],
): ReadonlyMap<string, string | undefined> {
  const rendezvous = new Rendezvous(members);
  return new Map(of.map((key) => [key, rendezvous.home(rendezvous.slotOf(key))?.name]));
}

const members = fc.uniqueArray(
  fc.record({
    name: fc.webUrl(),
    weight: fc.integer({ min: 1, max: 5 }),
  }),
  { selector: ({ name }) => name, minLength: 1, maxLength: 12 },
);

describe("Rendezvous", () => {
  it("moves no key but those of a member that goes, and back when it comes again", () => {
    fc.assert(
      fc.property(members, fc.nat(11), (all, index) => {
        const gone = all[index % all.length]?.name;
        const before = homes(all, someKeys);
        const others = all.filter(({ name }) => name !== gone);
        const after = homes(others, someKeys);
        const moved = someKeys.filter((key) => after.get(key) !== before.get(key));
        expect(moved).toEqual(someKeys.filter((key) => before.get(key) === gone));
        // The order in which hosts know the members makes no difference.
        expect(homes(all.toReversed(), someKeys)).toEqual(before);
      }),
      randomRuns(200),
    );
  });

  it("gives members keys by their weights", () => {
    const counts = new Map<string | undefined, number>();
    const weights = { "http://a:1": 1, "http://b:1": 1, "http://c:1": 2 };
    const all = Object.entries(weights).map(([name, weight]) => ({ name, weight }));
    for (const home of homes(all, keys).values()) {
      counts.set(home, (counts.get(home) ?? 0) + 1);
    }
    for (const { name, weight } of all) {
      const share = (counts.get(name) ?? 0) / keys.length / (weight / 4);
      expect(share).toBeGreaterThan(0.85);
      expect(share).toBeLessThan(1.15);
    }
  });

  it("orders all members for a slot, its home first", () => {
    fc.assert(
      fc.property(members, fc.string(), (all, key) => {
        const rendezvous = new Rendezvous(all);
        const slot = rendezvous.slotOf(key);
        const order = rendezvous.order(slot);
        expect(order[0]).toBe(rendezvous.home(slot));
        expect(new Set(order)).toEqual(new Set(all));
        // What comes second is the home where the first is gone.
        const [first, ...others] = order;
        const without = new Rendezvous(all.filter((one) => one !== first));
        expect(without.home(slot)).toBe(others[0]);
      }),
      randomRuns(300),
    );
  });

  it("has no home for a key where there is no member", () => {
    expect(new Rendezvous([]).home(0)).toBeUndefined();
  });
});
