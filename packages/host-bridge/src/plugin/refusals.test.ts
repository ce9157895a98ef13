import { ManualClock } from "@servehttp/testkit";
import { describe, expect, it } from "vitest";
import { sayAgainMs } from "../limits.js";
import { Refusals } from "./refusals.js";

describe("Refusals (H4)", () => {
  it("tells of the first of each kind, and a minute later of all since", () => {
    const clock = new ManualClock();
    const refusals = new Refusals(clock);
    expect(["full", "full", "down", "full"].map((kind) => refusals.add(kind))).toEqual([
      1,
      undefined,
      1,
      undefined,
    ]);
    clock.advance(sayAgainMs - 1);
    expect(refusals.add("full")).toBeUndefined();
    clock.advance(1);
    expect([refusals.add("full"), refusals.add("full"), refusals.add("down")]).toEqual([
      4,
      undefined,
      1,
    ]);
  });
});
