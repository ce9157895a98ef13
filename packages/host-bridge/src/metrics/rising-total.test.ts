import { expect, it } from "vitest";
import { RisingTotal } from "./rising-total.js";

it("never falls, where a part begins anew, is gone or is another one", () => {
  const total = new RisingTotal();
  expect(total.take([["1", 5]])).toBe(5);
  expect(total.take([["1", 7]])).toBe(7);
  expect(total.take([["1", 2]])).toBe(9);
  expect(total.take([["2", 3]])).toBe(12);
  expect(total.take([])).toBe(12);
  expect(total.take([["2", 1]])).toBe(13);
});
