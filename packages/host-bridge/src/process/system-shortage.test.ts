import { describe, expect, it } from "vitest";
import { shortageText } from "./system-shortage.js";

function failure(code: string, options?: ErrorOptions): Error {
  return Object.assign(new Error(code, options), { code });
}

describe("shortageText (H4)", () => {
  it("says what has run out, also where it is the cause of the cause", () => {
    const error = new Error("no connection", { cause: failure("x", { cause: failure("EMFILE") }) });
    expect(shortageText(error)).toContain("ulimit -n");
    expect(shortageText(failure("ENOSPC"))).toContain("the disk is full");
  });

  it("says nothing of other errors", () => {
    expect([shortageText(failure("ECONNREFUSED")), shortageText("EMFILE")]).toEqual([
      undefined,
      undefined,
    ]);
  });
});
