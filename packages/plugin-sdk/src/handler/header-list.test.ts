import { IncomingMessage, ServerResponse } from "node:http";
import { Socket } from "node:net";
import { describe, expect, it } from "vitest";
import { fieldsOf, HeaderList, headerListOf } from "./header-list.js";

const twoCookies = Object.freeze(["Set-Cookie", "a=1", "X-M", "m", "set-cookie", "b=2"]);

describe("HeaderList", () => {
  it("finds names without regard to case and keeps the letter case given", () => {
    const list = headerListOf(twoCookies);
    expect(list.get("SET-COOKIE")).toBe("a=1");
    expect(list.getAll("set-cookie")).toEqual(["a=1", "b=2"]);
    expect(list.has("x-m")).toBe(true);
    expect(list.get("absent")).toBeUndefined();
    expect(list.getAll("absent")).toEqual([]);
    expect([...list]).toEqual([
      ["Set-Cookie", "a=1"],
      ["X-M", "m"],
      ["set-cookie", "b=2"],
    ]);
  });

  it("replaces all values at the place of the first", () => {
    const list = headerListOf(twoCookies);
    list.set("SET-cookie", "c=3");
    expect(fieldsOf(list)).toEqual(["SET-cookie", "c=3", "X-M", "m"]);
  });

  it("appends what it does not have, and values behind others", () => {
    const list = new HeaderList();
    list.set("a", "1");
    list.append("b", "2");
    list.append("A", "3");
    expect(fieldsOf(list)).toEqual(["a", "1", "b", "2", "A", "3"]);
  });

  it("removes all values of a name", () => {
    const list = headerListOf([...twoCookies, "z", "26"]);
    expect(list.delete("Set-Cookie")).toBe(true);
    expect(list.delete("Set-Cookie")).toBe(false);
    expect(fieldsOf(list)).toEqual(["X-M", "m", "z", "26"]);
  });

  it("neither copies nor changes the fields that it was given", () => {
    const list = headerListOf(twoCookies);
    expect(fieldsOf(list)).toBe(twoCookies);
    list.set("x-m", "changed");
    expect(twoCookies[3]).toBe("m");
  });

  it("shows no later change in fields that it has handed out", () => {
    const list = new HeaderList();
    list.set("a", "1");
    const before = fieldsOf(list);
    list.set("a", "2");
    list.append("b", "3");
    expect(before).toEqual(["a", "1"]);
    expect(fieldsOf(list)).toEqual(["a", "2", "b", "3"]);
  });

  it("removes white space around a value and takes an empty one", () => {
    const list = new HeaderList();
    list.set("a", " \t x y \t");
    list.set("b", "");
    expect(fieldsOf(list)).toEqual(["a", "x y", "b", ""]);
  });

  it.each(["", "a b", "a:", "é", "a\r\nb", "x".repeat(257)])("refuses the name %j", (name) => {
    const list = new HeaderList();
    expect(() => list.set(name, "v")).toThrow(
      expect.objectContaining({ code: "invalid-argument" }),
    );
    expect(() => list.append(name, "v")).toThrow(/is no header name/);
    expect(fieldsOf(list)).toEqual([]);
  });

  it.each([
    ["a\r\nb: c", /U\+000D at 1/],
    ["a\nb", /U\+000A at 1/],
    ["\0", /U\+0000 at 0/],
    ["café \u2026", /U\+2026 at 5.*latin1/],
    ["a\u007f", /U\+007F at 1/],
  ])("refuses the value %j and says why", (value, why) => {
    const list = new HeaderList();
    expect(() => list.set("x-a", value)).toThrow(why);
    expect(() => list.set("x-a", value)).toThrow(/header x-a/);
  });

  it("writes numbers as digits", () => {
    const list = new HeaderList();
    list.set("content-length", 5);
    list.append("age", 0);
    expect(fieldsOf(list)).toEqual(["content-length", "5", "age", "0"]);
  });

  it.each([undefined, null, true, {}, ["a"], Symbol("a")])("refuses the value %o", (value) => {
    const list = new HeaderList();
    expect(() => list.set("a", value as string)).toThrow(/value of header a is .*: values are/);
    expect(() => list.append("a", value as string)).toThrow(
      expect.objectContaining({ code: "invalid-argument" }),
    );
  });

  it("takes every byte above the control characters", () => {
    const list = new HeaderList();
    list.set("a", "caf\u00e9\u00ff");
    expect(list.get("a")).toBe("caf\u00e9\u00ff");
  });
});

describe("the constructor of HeaderList", () => {
  const sameFields = ["a", "1", "set-cookie", "x=1", "set-cookie", "y=2"];

  it.each([
    [
      "pairs",
      [
        ["a", "1"],
        ["set-cookie", "x=1"],
        ["set-cookie", "y=2"],
      ],
    ],
    ["an object", { a: 1, "set-cookie": ["x=1", "y=2"] }],
    [
      "an iterator of pairs",
      new Map<string, string | string[]>([
        ["a", "1"],
        ["set-cookie", ["x=1", "y=2"]],
      ]).entries(),
    ],
    ["a list", headerListOf(sameFields)],
    [
      "the Headers of fetch",
      new Headers([
        ["a", "1"],
        ["set-cookie", "x=1"],
        ["set-cookie", "y=2"],
      ]),
    ],
  ])("takes %s", (_kind, headers) => {
    expect(fieldsOf(new HeaderList(headers))).toEqual(sameFields);
  });

  it("copies what it takes", () => {
    const original = new HeaderList({ a: "1" });
    const copy = new HeaderList(original);
    copy.set("a", "2");
    original.append("b", "3");
    expect(fieldsOf(original)).toEqual(["a", "1", "b", "3"]);
    expect(fieldsOf(copy)).toEqual(["a", "2"]);
  });

  it.each([
    ["a flat array", ["a", "1"]],
    ["a triple", [["a", "1", "2"]]],
    ["a string", "a: 1"],
    ["null", null],
    ["a number", 5],
    ["strings", new Set(["ab"])],
  ])("refuses %s", (_kind, headers) => {
    expect(() => new HeaderList(headers as never)).toThrow(/^headers are pairs of name and value/);
  });

  it("refuses a name and a value that HTTP does not allow", () => {
    expect(() => new HeaderList({ "a b": "c" })).toThrow(/is no header name/);
    expect(() => new HeaderList([["a", "b\r\nc: d"]])).toThrow(/U\+000D at 1/);
    expect(() => new HeaderList({ a: undefined as unknown as string })).toThrow(
      /of type undefined/,
    );
  });
});

describe("what HeaderList has of the Headers of fetch", () => {
  const list = headerListOf(twoCookies);

  it("gives all values of Set-Cookie", () => {
    expect(list.getSetCookie()).toEqual(["a=1", "b=2"]);
    expect(new HeaderList().getSetCookie()).toEqual([]);
  });

  it("gives names, values and pairs in order, one a value", () => {
    expect([...list.keys()]).toEqual(["Set-Cookie", "X-M", "set-cookie"]);
    expect([...list.values()]).toEqual(["a=1", "m", "b=2"]);
    expect([...list.entries()]).toEqual([...list]);
  });

  it("can be given to Headers of fetch and to a response of Node's", () => {
    expect([...new Headers([...list])]).toEqual([
      ["set-cookie", "a=1"],
      ["set-cookie", "b=2"],
      ["x-m", "m"],
    ]);
    const response = new ServerResponse(new IncomingMessage(new Socket()));
    response.setHeaders(new HeaderList({ "x-m": "m", "set-cookie": ["a=1", "b=2"] }) as never);
    expect(response.getHeaders()).toEqual({ "x-m": "m", "set-cookie": ["a=1", "b=2"] });
  });
});
