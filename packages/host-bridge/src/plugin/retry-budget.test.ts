import { expect, test } from "vitest";
import { retryBudget } from "../limits.js";
import { RetryBudget } from "./retry-budget.js";

const { atFirst, exchangesPerRetry, max } = retryBudget;

test("a plugin's exchanges are tried again as often as is allowed at first, and then no more", () => {
  expect(takeAll(new RetryBudget())).toBe(atFirst);
});

test("so many exchanges that ended well allow one more, and no fewer do", () => {
  const budget = new RetryBudget();
  takeAll(budget);
  earn(budget, exchangesPerRetry - 1);
  expect(budget.take()).toBe(false);
  earn(budget, 1);
  expect([budget.take(), budget.take()]).toEqual([true, false]);
});

test("what is not used is kept up to a bound", () => {
  const budget = new RetryBudget();
  earn(budget, 2 * max * exchangesPerRetry);
  expect(takeAll(budget)).toBe(max);
});

function earn(budget: RetryBudget, exchanges: number): void {
  for (let one = 0; one < exchanges; one += 1) {
    budget.earn();
  }
}

function takeAll(budget: RetryBudget): number {
  let taken = 0;
  while (budget.take()) {
    taken += 1;
  }
  return taken;
}
