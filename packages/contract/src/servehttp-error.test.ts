import { describe, expect, it, vi } from "vitest";
import { ServeHTTPError } from "./servehttp-error.js";

const unreadable = new Error("hostile");
Object.defineProperty(unreadable, "name", {
  get: () => {
    throw new Error("no name");
  },
});
const { proxy: revoked, revoke } = Proxy.revocable(new Error("gone"), {});
revoke();

describe("instanceof ServeHTTPError", () => {
  it("holds for errors of another installed copy", async () => {
    vi.resetModules();
    const copy = await import("./servehttp-error.js");
    expect(copy.ServeHTTPError).not.toBe(ServeHTTPError);
    const error = new copy.ServeHTTPError("deadline", "too late");
    expect(error instanceof ServeHTTPError).toBe(true);
    expect(new ServeHTTPError("deadline", "too late") instanceof copy.ServeHTTPError).toBe(true);
    expect(ServeHTTPError.from(error)).toBe(error);
  });

  it.each<[string, unknown]>([
    ["nothing", undefined],
    ["null", null],
    ["another error", new Error("deadline")],
    ["an error with a code of Node's", Object.assign(new Error("x"), { code: "EPIPE" })],
    ["an error with the name alone", Object.assign(new Error("x"), { name: "ServeHTTPError" })],
    ["an object with name and code", { name: "ServeHTTPError", code: "deadline" }],
    ["an error whose name can't be read", unreadable],
    ["a revoked proxy", revoked],
  ])("does not hold for %s, and does not throw", (_name, value) => {
    expect(value instanceof ServeHTTPError).toBe(false);
  });

  it("holds for a class derived from it, and not the other way round", () => {
    class Derived extends ServeHTTPError {}
    expect(new Derived("deadline", "") instanceof ServeHTTPError).toBe(true);
    expect(new Derived("deadline", "") instanceof Derived).toBe(true);
    expect(new ServeHTTPError("deadline", "") instanceof Derived).toBe(false);
  });
});

const hostile = (trap: keyof ProxyHandler<object>) =>
  new Proxy(new Error("behind a proxy"), {
    [trap]: () => {
      throw new Error("a trap");
    },
  });
const getters = Object.defineProperties(
  {},
  Object.fromEntries(
    ["name", "message", "stack", "code", "cause", "toString"].map((name) => [
      name,
      {
        get: () => {
          throw new Error("a getter");
        },
      },
    ]),
  ),
);

describe("ServeHTTPError.from", () => {
  it.each<[string, unknown, string]>([
    ["an error", new RangeError("too much"), "too much"],
    ["a text", "why not", "why not"],
    ["nothing", undefined, "undefined"],
    ["a symbol", Symbol("s"), "Symbol(s)"],
    ["an object without a text", Object.create(null), "something was thrown that can't be shown"],
    ["a revoked proxy", revoked, "something was thrown that can't be shown"],
    ["a proxy that can't be read", hostile("get"), "something was thrown that can't be shown"],
    ["a proxy that hides its prototype", hostile("getPrototypeOf"), "behind a proxy"],
    ["an object whose getters throw", getters, "something was thrown that can't be shown"],
    ["an error whose name can't be read", unreadable, "hostile"],
    ["a frozen error", Object.freeze(new Error("frozen")), "frozen"],
  ])("makes one of %s, with what was thrown as its cause (H1)", (_name, thrown, message) => {
    const error = ServeHTTPError.from(thrown, "handler-failed");
    expect([error.code, error.message]).toEqual(["handler-failed", message]);
    expect(error.cause).toBe(thrown);
  });

  it("gives back what is one already, whatever code is asked for", () => {
    const error = new ServeHTTPError("deadline", "too late");
    expect(ServeHTTPError.from(error, "internal")).toBe(error);
  });
});
