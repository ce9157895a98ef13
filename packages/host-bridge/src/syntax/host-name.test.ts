import { describe, expect, it } from "vitest";
import { hostNameOf, isHostName } from "./host-name.js";

describe("isHostName", () => {
  it.each([
    "notes.example.org",
    "localhost",
    "NOTES.Example.org",
    "a_b.internal",
    "xn--bcher-kva.example",
    "10.0.0.7",
    `${"a".repeat(63)}.example`,
  ])("takes %s", (name) => {
    expect(isHostName(name)).toBe(true);
  });

  it.each([
    "",
    ".",
    "notes.example.org.",
    "notes.example.org:8080",
    "http://notes.example.org",
    "notes.example.org/",
    "*.example.org",
    "-a.example",
    "a-.example",
    "a..b",
    ".a",
    "b\u00fccher.example",
    "a b",
    "[::1]",
    "::1",
    "user@host",
    "a%2eb",
    `${"a".repeat(64)}.example`,
    `${"a.".repeat(127)}a`,
  ])("refuses %j", (name) => {
    expect(isHostName(name)).toBe(false);
  });
});

describe("hostNameOf", () => {
  it.each([
    ["notes.example.org", "notes.example.org"],
    ["Notes.EXAMPLE.org", "notes.example.org"],
    ["notes.example.org:8080", "notes.example.org"],
    ["notes.example.org:", "notes.example.org"],
    ["notes.example.org.", "notes.example.org"],
    ["notes.example.org.:80", "notes.example.org"],
  ])("reads %s as %s", (host, name) => {
    expect(hostNameOf(host)).toBe(name);
  });

  it.each(["notes.example.org..", "notes.example.org..:80"])(
    "leaves a second dot in %s",
    (host) => {
      expect(hostNameOf(host)).toBe("notes.example.org.");
    },
  );

  it.each([
    "",
    "[::1]:80",
    "a@notes.example.org",
    "notes.example.org:80:90",
    "notes.example.org:x",
    "notes.example.org:80@evil",
    "notes%2eexample.org",
    "notes.example.org, evil",
    "notes.example.org/x",
    " notes.example.org",
    "notes.example.org\\",
  ])("finds no name in %j", (host) => {
    expect(hostNameOf(host)).toBeUndefined();
  });
});
