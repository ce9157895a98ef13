import { describe, expect, it } from "vitest";
import { expandEnvironment } from "./expand-environment.js";

const environment = { NAME: "notes", EMPTY: "" };

describe("expandEnvironment", () => {
  it.each([
    ["${NAME}", "notes"],
    ["a ${NAME}/${NAME} b", "a notes/notes b"],
    ["${EMPTY}", ""],
    ["${EMPTY:-text}", "text"],
    ["${MISSING:-a b}", "a b"],
    ["${MISSING:-}", ""],
    ["$NAME $ {NAME}", "$NAME $ {NAME}"],
    ["$${NAME}", "${NAME}"],
  ])("makes of %s", (text, expected) => {
    expect(expandEnvironment(text, environment)).toBe(expected);
  });

  it("goes through arrays and plain objects, and leaves the rest as it is", () => {
    const bytes = Buffer.from("${NAME}");
    const callback = () => "${NAME}";
    const given = { a: ["${NAME}", { b: "${NAME}" }], bytes, callback, n: 1 };
    const expanded = expandEnvironment(given, environment);
    expect(expanded).toEqual({ a: ["notes", { b: "notes" }], bytes, callback, n: 1 });
    expect(expanded).toHaveProperty("bytes", bytes);
  });

  it("says which variable is missing, and where", () => {
    const given = { plugins: { api: { url: ["${API_URL}"] } } };
    expect(() => expandEnvironment(given, environment)).toThrow(
      "plugins.api.url[0]: the environment variable API_URL is missing",
    );
  });

  it.each(["${}", "${A B}", "${1}"])("refuses %s", (text) => {
    expect(() => expandEnvironment({ a: text }, environment)).toThrow(
      `a: ${text} names no environment variable; write $${text} for the text`,
    );
  });
});
