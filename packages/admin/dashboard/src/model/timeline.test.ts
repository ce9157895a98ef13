import { describe, expect, test } from "vitest";
import { failureTimes, stretches } from "./timeline.js";

describe("the line of a plugin's life", () => {
  test("is cut at the edges of the window", () => {
    const changes = [
      { atUnixMs: 0, state: "starting" },
      { atUnixMs: 10, state: "ready" },
      { atUnixMs: 50, state: "backing-off" },
    ];
    expect(stretches(changes, 20, 60)).toEqual([
      { fromUnixMs: 20, toUnixMs: 50, tone: "live" },
      { fromUnixMs: 50, toUnixMs: 60, tone: "bad" },
    ]);
  });

  test("has one stretch for states that look alike", () => {
    const changes = [
      { atUnixMs: 10, state: "backing-off" },
      { atUnixMs: 20, state: "failed" },
    ];
    expect(stretches(changes, 0, 30)).toEqual([{ fromUnixMs: 10, toUnixMs: 30, tone: "bad" }]);
  });

  test("leaves out states that took no time, and what lies ahead", () => {
    const changes = [
      { atUnixMs: 5, state: "stopping" },
      { atUnixMs: 5, state: "stopped" },
      { atUnixMs: 90, state: "ready" },
    ];
    expect(stretches(changes, 0, 30)).toEqual([{ fromUnixMs: 5, toUnixMs: 30, tone: "still" }]);
  });

  test("has a cross for each failure in the window", () => {
    const changes = ["failed", "starting", "backing-off", "ready", "failed"].map(
      (state, index) => ({
        atUnixMs: index * 10,
        state,
      }),
    );
    expect(failureTimes(changes, 0, 30)).toEqual([20]);
  });
});
