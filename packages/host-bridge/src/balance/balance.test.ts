import { randomRuns, SeededRandom } from "@servehttp/testkit";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { outlierDefaults, SimulatedFleet } from "../test-rig/simulated-fleet.js";
import type { AffinityKey, BalanceSettings } from "./balance.js";
import { boundedLoadMin } from "./bounded-load.js";
import { instanceTag } from "./instance-tag.js";

/** From 0 to 1, the same each time. */
function seeded(seed: number): () => number {
  const random = new SeededRandom(seed);
  return () => random.integer(0, 2 ** 31 - 1) / 2 ** 31;
}

function fleet(count: number, settings: Partial<BalanceSettings> = {}, seed = 1): SimulatedFleet {
  const simulated = new SimulatedFleet(seeded(seed), settings);
  for (let at = 0; at < count; at += 1) {
    simulated.add(String(at));
  }
  return simulated;
}

/** The names of who got the next so many exchanges, each of which ends at once. */
function chosen(simulated: SimulatedFleet, times: number, key?: AffinityKey): ReadonlySet<string> {
  const names = Array.from({ length: times }, () => simulated.choose(key) ?? "nobody");
  return new Set(names);
}

const hashed = (value: string): AffinityKey => ({ kind: "hash", value });
const tagged = (name: string): AffinityKey => ({ kind: "tag", value: instanceTag(name) });

describe("Balance", () => {
  it("spreads load over 6 equal instances within 10 % of even, however long they take", () => {
    for (const [seed, lasts] of [
      () => 5,
      (chance: () => number) => 5 * Math.exp(2 * (chance() + chance() + chance() - 1.5)),
      // Some exchanges take a hundred times longer.
      (chance: () => number) => (chance() < 0.05 ? 500 : 4) * (0.5 + chance()),
      // A pause now and then.
      (chance: () => number) => (chance() < 1 / 3_000 ? 200 : 3) * (0.8 + 0.4 * chance()),
    ].entries()) {
      const simulated = fleet(6, {}, seed + 1);
      simulated.load(300, 30, () => ({ status: 200, ms: lasts(simulated.chance) }));
      for (const { name } of simulated.instances) {
        expect(simulated.shareOf(name)).toBeGreaterThan(0.9);
        expect(simulated.shareOf(name)).toBeLessThan(1.1);
      }
    }
  });

  it("gives one that is 5 times slower at most 40 % of a fair share", () => {
    for (const perSecond of [10, 100, 300, 2_000]) {
      const simulated = fleet(6, {}, perSecond);
      const lasts = (): number => 5 * (0.5 + simulated.chance());
      simulated.load(perSecond, 6_000 / Math.max(perSecond, 100), (name) => ({
        status: 200,
        ms: lasts() * (name === "0" ? 5 : 1),
      }));
      expect(simulated.shareOf("0")).toBeLessThan(0.4);
      expect(simulated.shareOf("0")).toBeGreaterThan(0);
    }
  });

  it("comes back to one that is as fast as the others again", () => {
    const simulated = fleet(6);
    simulated.load(300, 20, (name) => ({ status: 200, ms: name === "0" ? 50 : 5 }));
    expect(simulated.shareOf("0")).toBeLessThan(0.4);
    simulated.load(300, 30, () => ({ status: 200, ms: 5 }));
    simulated.got.clear();
    simulated.load(300, 20, () => ({ status: 200, ms: 5 }));
    expect(simulated.shareOf("0")).toBeGreaterThan(0.9);
  });

  it("sends nothing more to one that answers nothing than the others have open", () => {
    const simulated = fleet(3);
    const [first] = simulated.instances;
    first!.connection!.busy = 5;
    expect(chosen(simulated, 100)).toEqual(new Set(["1", "2"]));
  });

  it("gives new work to whoever has fewest tunnels and event streams, where nobody has work", () => {
    const simulated = fleet(2);
    simulated.instances[0]!.connection!.streams = 3;
    expect(chosen(simulated, 50)).toEqual(new Set(["1"]));
    // They are no work.
    simulated.instances[1]!.connection!.busy = 1;
    expect(chosen(simulated, 50)).toEqual(new Set(["0"]));
  });

  it("sends what comes in one turn together, as far as an instance answers it in 2 ms", () => {
    const spread = (ms: number, count: number): readonly number[] => {
      const simulated = fleet(4);
      simulated.load(100, 10, () => ({ status: 200, ms }));
      return simulated.burst(count).toSorted((one, other) => other - one);
    };
    // 0.2 ms each: up to ten more than another has.
    expect(spread(0.2, 10)).toEqual([10, 0, 0, 0]);
    expect(spread(0.2, 400)[0]).toBeLessThan(100 + 32);
    expect(spread(0.2, 400)[3]).toBeGreaterThan(100 - 32);
    // A page with many parts, of handlers that take longer, goes to all.
    expect(spread(5, 16)[0]).toBeLessThan(8);
    expect(spread(5, 16)[3]).toBeGreaterThan(1);
  });

  it("knows nothing of how fast an instance is that has not answered yet", () => {
    expect(Math.max(...fleet(4).burst(16))).toBeLessThan(8);
  });

  it("gives instances exchanges by their weights, idle and busy", () => {
    for (const ms of [0.1, 40]) {
      const simulated = new SimulatedFleet(seeded(3));
      simulated.add("light", 1);
      simulated.add("heavy", 4);
      simulated.load(1_000, 10, () => ({ status: 200, ms }));
      expect(simulated.shareOf("heavy") / 2).toBeGreaterThan(0.76);
      expect(simulated.shareOf("heavy") / 2).toBeLessThan(0.84);
    }
  });

  it("leaves those of a higher priority alone while one of a lower one is ready", () => {
    const simulated = new SimulatedFleet(seeded(1));
    const near = simulated.add("near", 1, 0);
    simulated.add("far", 1, 5);
    simulated.add("farther", 1, 7);
    expect(chosen(simulated, 50)).toEqual(new Set(["near"]));
    near.connection!.open = false;
    simulated.update();
    expect(chosen(simulated, 50)).toEqual(new Set(["far"]));
    near.connection!.open = true;
    simulated.update();
    expect(chosen(simulated, 50)).toEqual(new Set(["near"]));
  });

  it("takes one of a higher priority where the only one of a lower one is ejected", () => {
    const simulated = new SimulatedFleet(seeded(1));
    simulated.add("near", 1, 0);
    simulated.add("far", 1, 1);
    for (let at = 0; at < 5; at += 1) {
      simulated.answer("near", 500);
    }
    expect(chosen(simulated, 50)).toEqual(new Set(["far"]));
  });

  it("chooses nobody where nobody is ready", () => {
    const simulated = fleet(2);
    expect(new SimulatedFleet(seeded(1)).choose()).toBeUndefined();
    simulated.instances[0]!.connection!.open = false;
    simulated.instances[1]!.connection = undefined;
    simulated.update();
    expect(simulated.choose()).toBeUndefined();
    expect(simulated.choose(hashed("a"))).toBeUndefined();
    expect(simulated.choose(tagged("0"))).toBeUndefined();
  });

  it("gives a fresh instance more and more", () => {
    const slowStart = { windowMs: 60_000, aggression: 1, minWeightPercent: 10 };
    const simulated = fleet(5, { slowStart });
    const behave = () => ({ status: 200, ms: 2 });
    simulated.load(100, 120, behave);
    simulated.add("fresh");
    const shares: number[] = [];
    for (let at = 0; at < 4; at += 1) {
      simulated.got.clear();
      simulated.load(200, 20, behave);
      shares.push(simulated.shareOf("fresh"));
    }
    const [first, second, third, last] = shares as [number, number, number, number];
    expect(first).toBeLessThan(0.3);
    expect(second).toBeGreaterThan(first);
    expect(third).toBeGreaterThan(second);
    expect(last).toBeGreaterThan(0.9);
  });

  it("sends nothing to an ejected instance, then one exchange, then its share", () => {
    const simulated = fleet(3);
    for (let at = 0; at < 5; at += 1) {
      simulated.answer("0", 503);
    }
    expect(simulated.ejected).toEqual(["0"]);
    expect(chosen(simulated, 100)).toEqual(new Set(["1", "2"]));
    simulated.pass(30_000);
    expect(simulated.choose()).toBe("0");
    expect(chosen(simulated, 100)).toEqual(new Set(["1", "2"]));
    // Without a result, another one after a second.
    simulated.pass(1_000);
    expect(simulated.choose()).toBe("0");
    simulated.answer("0", 200);
    expect(chosen(simulated, 100)).toEqual(new Set(["0", "1", "2"]));
  });

  it("ejects it again for longer where it fails that one", () => {
    const simulated = fleet(3);
    for (let at = 0; at < 5; at += 1) {
      simulated.answer("0", 500);
    }
    simulated.pass(30_000);
    expect(simulated.choose()).toBe("0");
    simulated.answer("0", 500);
    simulated.pass(59_999);
    expect(chosen(simulated, 100)).toEqual(new Set(["1", "2"]));
    simulated.pass(1);
    expect(simulated.choose()).toBe("0");
    expect(simulated.ejected).toEqual(["0", "0"]);
  });

  it("asks an ejected instance at once where it is connected anew", () => {
    const simulated = fleet(3);
    for (let at = 0; at < 5; at += 1) {
      simulated.answer("0", 500);
    }
    const [first] = simulated.instances;
    const { open, streams } = first!.connection!;
    first!.connection = { open, streams, busy: 0, gathers: false };
    simulated.update();
    expect(simulated.choose()).toBe("0");
    expect(chosen(simulated, 50)).toEqual(new Set(["1", "2"]));
  });

  it("ignores ejections while less than half of the instances is healthy", () => {
    const outliers = { ...outlierDefaults, maxEjectionPercent: 100 };
    const simulated = fleet(4, { outliers });
    for (const name of ["0", "1", "2"]) {
      for (let at = 0; at < 5; at += 1) {
        simulated.answer(name, 500);
      }
    }
    expect(chosen(simulated, 200)).toEqual(new Set(["0", "1", "2", "3"]));
    const calm = fleet(4, { outliers, healthyPanicThresholdPercent: 0 });
    for (const name of ["0", "1", "2"]) {
      for (let at = 0; at < 5; at += 1) {
        calm.answer(name, 500);
      }
    }
    expect(chosen(calm, 200)).toEqual(new Set(["3"]));
  });

  it("ejects nobody where it is told to", () => {
    const simulated = fleet(3, { outliers: false });
    for (let at = 0; at < 50; at += 1) {
      simulated.answer("0", 500);
    }
    expect(chosen(simulated, 100)).toEqual(new Set(["0", "1", "2"]));
    expect(simulated.balance.ejections.size).toBe(0);
  });

  it("does not take an instance that fails fast for a fast one", () => {
    const simulated = fleet(3, { outliers: false });
    const behave = (name: string) => ({
      status: name === "0" ? 500 : 200,
      ms: name === "0" ? 1 : 20,
    });
    simulated.load(50, 60, behave);
    expect(simulated.shareOf("0")).toBeLessThan(1.3);
  });

  it("keeps all requests with the same key together, and spreads keys", () => {
    const simulated = fleet(6);
    const homes = Array.from({ length: 600 }, (_, at) => {
      const key = hashed(`user-${at}`);
      const [home, ...others] = chosen(simulated, 3, key);
      expect(others).toEqual([]);
      return home;
    });
    for (const { name } of simulated.instances) {
      const share = homes.filter((home) => home === name).length / 100;
      expect(share).toBeGreaterThan(0.6);
      expect(share).toBeLessThan(1.4);
    }
  });

  it("moves few keys when an instance comes, and only those of one that goes", () => {
    const simulated = fleet(5);
    const keys = Array.from({ length: 1_000 }, (_, at) => hashed(`user-${at}`));
    const look = () => keys.map((key) => simulated.choose(key));
    const before = look();
    simulated.add("new");
    const after = look();
    const moved = after.filter((home, at) => home !== before[at]);
    expect(new Set(moved)).toEqual(new Set(["new"]));
    expect(moved.length).toBeLessThan(1_000 / 4);
    simulated.remove("new");
    expect(look()).toEqual(before);
  });

  it("sends keys of an ejected or closed instance elsewhere, and back", () => {
    const simulated = fleet(4);
    const keys = Array.from({ length: 200 }, (_, at) => hashed(`user-${at}`));
    const before = keys.map((key) => simulated.choose(key));
    const [home] = before;
    for (let at = 0; at < 5; at += 1) {
      simulated.answer(home!, 500);
    }
    keys.forEach((key, at) => {
      const now = simulated.choose(key);
      expect(now).not.toBe(home);
      expect(now === before[at] || before[at] === home).toBe(true);
    });
    simulated.pass(30_000);
    // One of its own keys is the probe.
    expect(keys.filter((key) => simulated.choose(key) === home)).toHaveLength(1);
    simulated.answer(home!, 200);
    expect(keys.map((key) => simulated.choose(key))).toEqual(before);
  });

  it("sends a key elsewhere, always the same way, while its instance is much busier than the others", () => {
    const simulated = fleet(4);
    const key = hashed("a");
    const home = simulated.choose(key);
    const connection = simulated.instances.find(({ name }) => name === home)!.connection!;
    connection.busy = boundedLoadMin - 1;
    expect(simulated.choose(key)).toBe(home);
    connection.busy = boundedLoadMin;
    const [second, ...others] = chosen(simulated, 20, key);
    expect(second).not.toBe(home);
    expect(others).toEqual([]);
    // Where all are busy, it is not busier than the others.
    for (const instance of simulated.instances) {
      instance.connection!.busy = boundedLoadMin;
    }
    expect(simulated.choose(key)).toBe(home);
  });

  it("never lets keys load an instance beyond the bound while another one has room", () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat(4), { minLength: 100, maxLength: 200, size: "max" }),
        fc.integer({ min: 2, max: 8 }),
        (keys, count) => {
          const simulated = fleet(count);
          let total = 0;
          for (const key of keys) {
            const name = simulated.choose(hashed(String(key)));
            const { connection } = simulated.instances.find((one) => one.name === name)!;
            expect(connection!.busy).toBeLessThan(
              Math.max(boundedLoadMin, Math.ceil((1.5 * (total + 1)) / count)),
            );
            connection!.busy += 1;
            total += 1;
          }
        },
      ),
      randomRuns(200),
    );
  });

  it("keeps a client at the instance that its cookie names, however busy it is", () => {
    const simulated = fleet(4);
    simulated.instances[2]!.connection!.busy = 1_000;
    expect(chosen(simulated, 20, tagged("2"))).toEqual(new Set(["2"]));
    simulated.instances[2]!.connection!.open = false;
    simulated.update();
    expect(chosen(simulated, 100, tagged("2"))).toEqual(new Set(["0", "1", "3"]));
    expect(chosen(simulated, 100, { kind: "tag", value: "no instance" }).size).toBe(3);
  });

  it("chooses only whoever is open, and somebody wherever one is, whatever happens", () => {
    const name = fc.nat(5).map(String);
    const step = fc.oneof(
      fc.record({ kind: fc.constantFrom("add", "remove", "close", "open", "connect"), name }),
      { weight: 3, arbitrary: fc.record({ kind: fc.constantFrom("fail", "succeed"), name }) },
      fc.record({ kind: fc.constant("pass"), name }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120, size: "max" }), fc.nat(), (steps, seed) => {
        const outliers = { ...outlierDefaults, maxEjectionPercent: seed % 101, consecutive5xx: 2 };
        const slowStart = { windowMs: 5_000, aggression: 1, minWeightPercent: 10 };
        const simulated = new SimulatedFleet(seeded(seed), { outliers, slowStart });
        for (const now of steps) {
          const known = simulated.instances.find((one) => one.name === now.name);
          if (now.kind === "add" && known === undefined) {
            simulated.add(now.name, 1 + (seed % 7), Number(now.name) % 3);
          } else if (now.kind === "pass") {
            simulated.pass(Number(now.name) * 7_000);
          } else if (now.kind === "fail" || now.kind === "succeed") {
            simulated.answer(now.name, now.kind === "fail" ? 502 : 200);
          } else if (known !== undefined) {
            if (now.kind === "remove") {
              simulated.remove(now.name);
            } else if (now.kind === "connect") {
              known.connection = { open: true, busy: 0, streams: 0, gathers: false };
            } else {
              known.connection!.open = now.kind === "open";
            }
            simulated.update();
          }
          const open = simulated.instances.filter(({ connection }) => connection!.open);
          const names = open.map((one) => one.name);
          for (const key of [undefined, hashed("a"), tagged("1")]) {
            const got = simulated.choose(key);
            expect(got === undefined).toBe(open.length === 0);
            expect(got === undefined || names.includes(got)).toBe(true);
          }
        }
      }),
      randomRuns(200),
    );
  });
});
