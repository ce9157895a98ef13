import { expect, test } from "vitest";
import { tellingLine } from "./telling-line.js";

test.each([
  [
    "Node",
    [
      "app.js:3",
      "  throw new TypeError('no');",
      "  ^",
      "",
      "TypeError: no",
      "    at app.js:3",
      "",
      "Node.js v24.21.0",
    ],
    "TypeError: no",
  ],
  [
    "Python",
    ["Traceback (most recent call last):", '  File "app.py"', "ValueError: no"],
    "ValueError: no",
  ],
  ["Go", ["panic: no", "", "goroutine 1 [running]:", "main.main()", "exit status 2"], "panic: no"],
  [
    "Rust",
    ["thread 'main' panicked at src/main.rs:2:5:", "no", "note: run with `RUST_BACKTRACE=1`"],
    "thread 'main' panicked at src/main.rs:2:5:",
  ],
  ["a program that says goodbye", ["one", "bye"], "bye"],
  ["a program whose stack is all there is", ["    at app.js:3"], "    at app.js:3"],
])("finds what says most in the last words of %s", (_, words, line) => {
  expect(tellingLine(words)).toBe(line);
});

test("finds nothing where nothing was said", () => {
  expect(tellingLine([])).toBeUndefined();
});
