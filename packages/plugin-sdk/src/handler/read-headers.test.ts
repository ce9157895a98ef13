import { expect, it } from "vitest";
import { readWriteHeadHeaders } from "./read-headers.js";

it.each([
  ["an object", { A: 1, B: ["2", 3] }, ["A", "1", "B", "2", "B", "3"]],
  ["a flat array", ["A", 1, "B", ["2", 3], "A", "4"], ["A", "1", "B", "2", "B", "3", "A", "4"]],
  [
    "pairs",
    [
      ["A", 1],
      ["B", ["2", 3]],
    ],
    ["A", "1", "B", "2", "B", "3"],
  ],
  ["nothing", [], []],
  ["an empty list of values", { A: [] }, []],
])("reads %s as Node's writeHead does", (_kind, headers, fields) => {
  expect(readWriteHeadHeaders(headers as never)).toEqual(fields);
});

it.each([
  [["A"], /whose last name has no value/],
  [["A", "1", 2, "3"], /"2" is no header name/],
  [["A", undefined], /value of header A is of type undefined/],
  [{ A: null }, /value of header A is null/],
  [{ A: ["1", undefined] }, /value of header A is of type undefined/],
  ["A: 1", /these are of type string/],
])("refuses %j", (headers, why) => {
  expect(() => readWriteHeadHeaders(headers as never)).toThrow(why);
});
