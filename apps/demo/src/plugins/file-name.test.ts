import { describe, expect, test } from "vitest";
import { fileNameOf } from "./file-name.js";

describe("fileNameOf", () => {
  test.each([
    ["report.pdf", "report.pdf"],
    ["two%20words%20%26%20more", "two words & more"],
    ["%E6%97%A5%E6%9C%AC.txt", "日本.txt"],
    ["cafe%CC%81", "caf\u00e9"],
    ["a%25b", "a%b"],
    ["x".repeat(255), "x".repeat(255)],
  ])("takes %j", (segment, name) => {
    expect(fileNameOf(segment)).toBe(name);
  });

  test.each([
    ["nothing", ""],
    ["the directory itself", "."],
    ["the directory above", ".."],
    ["the directory above, encoded", "%2e%2e"],
    ["a hidden file", ".bashrc"],
    ["a separator", "a%2Fb"],
    ["a separator that was not decoded", "a/b"],
    ["a separator of Windows", "a%5Cb"],
    ["NUL", "a%00b"],
    ["a line feed", "a%0Ab"],
    ["a line separator", "a%E2%80%A8b"],
    ["a turn of direction", "gpj.%E2%80%AEexe"],
    ["broken percent-encoding", "a%zz"],
    ["broken UTF-8", "a%ff"],
    ["an overlong separator", "%c0%af"],
    ["256 bytes", "x".repeat(256)],
    ["256 bytes in fewer characters", "%C3%A9".repeat(128)],
  ])("refuses %s", (_, segment) => {
    expect(fileNameOf(segment)).toBeUndefined();
  });
});
