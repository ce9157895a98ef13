import { describe, expect, it } from "vitest";
import { HeaderList, toFieldList } from "./header-list.js";

const twoCookies = Object.freeze(["Set-Cookie", "a=1", "X-M", "m", "set-cookie", "b=2"]);

describe("HeaderList", () => {
  it("finds names without regard to case and keeps the letter case given", () => {
    const list = new HeaderList(twoCookies);
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
    const list = new HeaderList(twoCookies);
    list.set("SET-cookie", "c=3");
    expect(list.toFieldList()).toEqual(["SET-cookie", "c=3", "X-M", "m"]);
  });

  it("appends what it does not have, and values behind others", () => {
    const list = new HeaderList();
    list.set("a", "1");
    list.append("b", "2");
    list.append("A", "3");
    expect(list.toFieldList()).toEqual(["a", "1", "b", "2", "A", "3"]);
  });

  it("removes all values of a name", () => {
    const list = new HeaderList([...twoCookies, "z", "26"]);
    expect(list.delete("Set-Cookie")).toBe(true);
    expect(list.delete("Set-Cookie")).toBe(false);
    expect(list.toFieldList()).toEqual(["X-M", "m", "z", "26"]);
  });

  it("neither copies nor changes the fields that it was given", () => {
    const list = new HeaderList(twoCookies);
    expect(list.toFieldList()).toBe(twoCookies);
    list.set("x-m", "changed");
    expect(twoCookies[3]).toBe("m");
  });

  it("shows no later change in fields that it has handed out", () => {
    const list = new HeaderList();
    list.set("a", "1");
    const before = list.toFieldList();
    list.set("a", "2");
    list.append("b", "3");
    expect(before).toEqual(["a", "1"]);
    expect(list.toFieldList()).toEqual(["a", "2", "b", "3"]);
  });

  it("removes white space around a value and takes an empty one", () => {
    const list = new HeaderList();
    list.set("a", " \t x y \t");
    list.set("b", "");
    expect(list.toFieldList()).toEqual(["a", "x y", "b", ""]);
  });

  it.each(["", "a b", "a:", "é", "a\r\nb", "x".repeat(257)])("refuses the name %j", (name) => {
    const list = new HeaderList();
    expect(() => list.set(name, "v")).toThrow(
      expect.objectContaining({ code: "invalid-argument" }),
    );
    expect(() => list.append(name, "v")).toThrow(/is no header name/);
    expect(list.toFieldList()).toEqual([]);
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

  it("refuses values that are no strings", () => {
    const list = new HeaderList();
    expect(() => list.set("a", 5 as unknown as string)).toThrow(/of type number/);
  });

  it("takes every byte above the control characters", () => {
    const list = new HeaderList();
    list.set("a", "caf\u00e9\u00ff");
    expect(list.get("a")).toBe("caf\u00e9\u00ff");
  });
});

describe("toFieldList", () => {
  it("flattens pairs and checks them", () => {
    expect(
      toFieldList([
        ["Link", "</a>"],
        ["Link", "</b>"],
      ]),
    ).toEqual(["Link", "</a>", "Link", "</b>"]);
    expect(() => toFieldList([["a b", "c"]])).toThrow(/is no header name/);
  });
});
