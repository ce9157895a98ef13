import * as fc from "fast-check";
import { expect, it } from "vitest";
import { ReusedList } from "./reused-list.js";

function itemsOf(list: ReusedList<number>): number[] {
  return Array.from({ length: list.size }, (_, place) => list.at(place));
}

it("holds what an array would, whatever is added and removed", () => {
  const step = fc.oneof(
    fc.integer({ min: 1, max: 9 }).map((push) => ({ push })),
    fc.double({ min: 0, max: 1, noNaN: true }).map((share) => ({ share })),
    fc.constant("clear" as const),
  );
  fc.assert(
    fc.property(fc.array(step), (steps) => {
      const list = new ReusedList<number>();
      const expected: number[] = [];
      for (const one of steps) {
        if (one === "clear") {
          list.clear();
          expected.length = 0;
        } else if ("push" in one) {
          list.push(one.push);
          expected.push(one.push);
        } else {
          const count = Math.round(one.share * expected.length);
          list.removeFirst(count);
          expected.splice(0, count);
        }
        expect(itemsOf(list)).toEqual(expected);
      }
    }),
  );
});
