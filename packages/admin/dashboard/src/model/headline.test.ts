import { describe, expect, test } from "vitest";
import { headline } from "./headline.js";

const of = (states: Readonly<Record<string, string>>, failures = 0) =>
  headline(Object.entries(states).map(([id, state]) => ({ id, state, failures })));

describe("the headline", () => {
  test("says that all is well", () => {
    expect(of({ notes: "ready" })).toBe("notes is ready.");
    expect(of({ notes: "ready", legacy: "in-process" })).toBe("All 2 plugins are ready.");
  });

  test("says what is wrong, before anything else", () => {
    expect(of({ notes: "ready", mail: "failed", b: "stopped" })).toBe(
      "mail has failed and is not started again.",
    );
    expect(of({ notes: "starting", mail: "backing-off" })).toBe(
      "mail failed and will start again.",
    );
    expect(of({ mail: "backing-off" }, 3)).toBe("mail keeps failing.");
    expect(of({ mail: "ready" }, 3)).toBe("mail keeps failing.");
    expect(of({ mail: "failed" }, 5)).toBe("mail has failed and is not started again.");
    expect(of({ a: "failed", b: "backing-off", c: "ready" })).toBe("a and b are failing.");
    expect(of({ a: "failed", b: "failed" })).toBe("No plugin is ready: all of them fail.");
  });

  test("names three at most", () => {
    const many = { a: "failed", b: "failed", c: "failed", d: "failed", e: "ready" };
    expect(of(many)).toBe("a, b and 2 others are failing.");
  });

  test("says who is on the way", () => {
    expect(of({ a: "ready", b: "starting" })).toBe("b is starting.");
    expect(of({ a: "draining", b: "starting" })).toBe("a and b are not ready yet.");
  });

  test("says who is stopped", () => {
    expect(of({ a: "stopped", b: "ready" })).toBe("a is stopped, the rest is ready.");
    expect(of({ a: "stopped", b: "stopped" })).toBe("All plugins are stopped.");
    expect(of({ a: "stopped" })).toBe("a is stopped.");
  });

  test("says that there is nothing", () => {
    expect(of({})).toBe("This host has no plugins yet.");
  });

  test("names a state that it does not know", () => {
    expect(of({ a: "ready", b: "hibernating" })).toBe("b is hibernating.");
  });
});
