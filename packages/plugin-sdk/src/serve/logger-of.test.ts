import { expect, it } from "vitest";
import { loggerOf } from "./logger-of.js";
import { stderrLogger } from "./stderr-logger.js";

it("logs to standard error by default, and nowhere for false", () => {
  expect(loggerOf(undefined)).toBe(stderrLogger);
  expect(loggerOf(false)).not.toBe(stderrLogger);
  expect(() => loggerOf(false).error({}, "nobody sees it")).not.toThrow();
});

it("calls the methods of the logger on the logger", () => {
  class Collector {
    readonly seen: unknown[] = [];
    warn(...record: unknown[]): void {
      this.seen.push(["warn", ...record]);
    }
    error(...record: unknown[]): void {
      this.seen.push(["error", ...record]);
    }
  }
  const collector = new Collector();
  const logger = loggerOf(collector);
  logger.warn({ a: 1 }, "one");
  logger.error({ b: 2 }, "two");
  expect(collector.seen).toEqual([
    ["warn", { a: 1 }, "one"],
    ["error", { b: 2 }, "two"],
  ]);
});

it("passes on what a logger takes beside warnings and errors", () => {
  const seen: unknown[] = [];
  const logger = loggerOf({
    info: (details, message) => void seen.push([details, message]),
    warn: () => undefined,
    error: () => undefined,
  });
  logger.info?.({ a: 1 }, "one");
  logger.debug?.({ b: 2 }, "two");
  expect(seen).toEqual([[{ a: 1 }, "one"]]);
});

it("survives a logger that throws, and one whose promise rejects (H1)", async () => {
  const logger = loggerOf({
    warn() {
      throw new Error("full");
    },
    error: () => Promise.reject(new Error("full")) as never,
  });
  expect(() => logger.warn({}, "one")).not.toThrow();
  expect(() => logger.error({}, "two")).not.toThrow();
  // An unhandled rejection would fail the run.
  await new Promise(setImmediate);
});

it.each([null, true, "stderr", {}, { warn() {} }])("refuses %j", (option) => {
  expect(() => loggerOf(option as never)).toThrow(
    "the option logger must be a pino logger, an object with the methods warn and error, or false",
  );
});
