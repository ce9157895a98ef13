import { describe, expect, it } from "vitest";
import { initAdvice } from "./init-advice.js";

describe("initAdvice (H4)", () => {
  it("tells a host that is process 1 to run under an init, and no other", () => {
    expect(initAdvice(1)).toContain("docker run --init");
    expect(initAdvice(2)).toBeUndefined();
  });
});
