import { describe, expect, it } from "vitest";
import { parseJsonConfig } from "./parse-json-config.js";

const parse = (text: string) => parseJsonConfig(text, "servehttp.config.json");

describe("parseJsonConfig", () => {
  it("reads what JSON.parse reads", () => {
    const text = '\uFEFF{"a": [1, null, true, "x\\u0041"], "__proto__": {"b": {}}}';
    expect(parse(text)).toEqual(JSON.parse(text.slice(1)));
  });

  it.each([
    ["", "servehttp.config.json:1:1: no JSON: value expected"],
    ['{\n  "a": 1,\n}', "servehttp.config.json:3:1: no JSON: property name expected"],
    ['{"a": 1 "b": 2}', "servehttp.config.json:1:9: no JSON: comma expected"],
    ['{"a": 1} x', "servehttp.config.json:1:10: no JSON: invalid symbol"],
    ["{} // x", "servehttp.config.json:1:4: no JSON: invalid comment token"],
    [
      '{"plugins": {\n  "notes": 1,\n  "notes": 2\n}}',
      'servehttp.config.json:3:3: "notes" stands twice',
    ],
  ])("refuses %j", (text, expected) => {
    expect(() => parse(text)).toThrow(expected);
  });
});
