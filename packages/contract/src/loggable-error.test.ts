import { describe, expect, it } from "vitest";
import { loggableError } from "./loggable-error.js";
import { ServeHTTPError } from "./servehttp-error.js";

describe("loggableError", () => {
  it("H1 keeps what an error says", () => {
    const cause = new RangeError("deep");
    const error = new ServeHTTPError("invalid-argument", "no such user", { cause });
    const copy = loggableError(error);
    expect(copy).toMatchObject({
      name: "ServeHTTPError",
      message: "no such user",
      code: "invalid-argument",
      stack: error.stack,
      cause: { name: "RangeError", message: "deep" },
    });
    expect(Object.isExtensible(copy)).toBe(true);
  });

  const throwing = (key: string) =>
    Object.defineProperty(new Error("the message"), key, {
      get: () => {
        throw new Error("a getter that throws");
      },
    });
  const circle = new Error("a circle");
  circle.cause = circle;
  const revoked = Proxy.revocable({}, {});
  revoked.revoke();

  it.each<[string, unknown, string]>([
    ["a frozen error", Object.freeze(new Error("frozen")), "frozen"],
    ["an error whose stack throws", throwing("stack"), "the message"],
    ["an error whose code throws", throwing("code"), "the message"],
    ["an error whose name throws", throwing("name"), "the message"],
    ["an error whose cause throws", throwing("cause"), "the message"],
    ["an error that is its own cause", circle, "a circle"],
    ["an error whose message is no text", Object.assign(new Error(), { message: 7 }), "Error: 7"],
    ["a text", "only a text", "only a text"],
    ["nothing", undefined, "undefined"],
    ["null", null, "null"],
    ["a symbol", Symbol("a symbol"), "Symbol(a symbol)"],
    ["an object without a prototype", Object.create(null), "something was thrown that"],
    ["a revoked proxy", revoked.proxy, "something was thrown that can't be shown"],
    ["a function", Object.assign(() => undefined, { message: "called" }), "called"],
  ])("H1 makes an error of %s", (_what, thrown, message) => {
    const copy = loggableError(thrown);
    expect(copy).toBeInstanceOf(Error);
    expect(copy.message).toContain(message);
    expect(typeof copy.stack).toBe("string");
    expect(Object.isExtensible(copy)).toBe(true);
  });

  it("H3 bounds the texts and the causes", () => {
    let error = new Error("x".repeat(1_000_000));
    for (let depth = 0; depth < 100; depth += 1) {
      error = new Error("x".repeat(1_000_000), { cause: error });
    }
    let copies = 0;
    for (let at: unknown = loggableError(error); at instanceof Error; at = at.cause) {
      copies += 1;
      expect(at.message).toHaveLength(8_193);
      expect(at.stack?.length).toBeLessThanOrEqual(8_193);
    }
    expect(copies).toBe(5);
  });
});
