import { expect, test } from "vitest";

import { formatNumber } from "./format-number.js";

test.each([
  [21_437, "21,400"],
  [431.4, "431"],
  [43.14, "43.1"],
  [0.8714, "0.87"],
  [0.004, "0.00"],
  [0, "0"],
  [999.9, "1,000"],
])("writes %d as %s", (value, text) => {
  expect(formatNumber(value)).toBe(text);
});
