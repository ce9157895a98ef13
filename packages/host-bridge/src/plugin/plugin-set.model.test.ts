import { randomRuns } from "@servehttp/testkit";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { steadyMs } from "../limits.js";
import { PluginSetModel, type PluginSetStep } from "../test-rig/plugin-set-model.js";

const ids = ["a", "b"];
const id = fc.constantFrom(...ids);
const index = fc.nat(7);

/** Plugins with one of a few versions of their options; not all of them, and another one at times. */
const versionsOfSome = fc.dictionary(fc.constantFrom(...ids, "c"), fc.nat(2), { maxKeys: 3 });

const one = <const Kind extends PluginSetStep["kind"]>(...kinds: Kind[]) =>
  fc.constantFrom(...kinds);

const step: fc.Arbitrary<PluginSetStep> = fc.oneof(
  fc.record({ kind: one("start", "stop", "stop-now") }),
  fc.record({ kind: one("add", "remove", "reload", "reload"), id }),
  { weight: 2, arbitrary: fc.record({ kind: one("apply"), versions: versionsOfSome }) },
  { weight: 4, arbitrary: fc.record({ kind: one("request"), id }) },
  { weight: 4, arbitrary: fc.record({ kind: one("rise"), run: index }) },
  { weight: 2, arbitrary: fc.record({ kind: one("fail", "lose", "close", "hang"), run: index }) },
  { weight: 2, arbitrary: fc.record({ kind: one("leave", "end", "hijack"), which: index }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: one("pass"),
      ms: fc.constantFrom(1, 100, steadyMs, 5_000, 30_000),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: one("turn") }) },
);

describe("PluginSet", () => {
  it("comes up and leaves nothing, whatever was started, stopped, reloaded, added, removed and applied when", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 2 }),
        fc.array(step, { maxLength: 100, size: "max" }),
        async (instances, steps) => {
          const model = new PluginSetModel(instances);
          for (const plugin of ids) {
            model.add(plugin);
          }
          for (const now of steps) {
            await model.apply(now);
          }
          await model.settle();
          await model.comesUp();
          expect(await model.leftWhenStopped()).toEqual([]);
        },
      ),
      randomRuns(1_000),
    );
  });
});
