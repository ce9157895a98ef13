import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { pageAt } from "./pages.js";

const page = "docs/porting.md";

it("shows in docs/porting.md the files that the kit checks (vitest --update writes it)", async () => {
  const text = readFileSync(pageAt(page), "utf8");
  const files = Array.from(text.matchAll(/^<!-- file: (\S+) -->$/gm), ([, path]) => path);
  expect(files).toEqual([
    "interop/tonic/src/bin/smallest.rs",
    "interop/java/src/main/java/SmallestPlugin.java",
    "interop/python/smallest.py",
    "interop/go/smallest/main.go",
  ]);
  await expect(withFiles(text)).toMatchFileSnapshot(fileURLToPath(pageAt(page)));
});

/** The page with each block of code below `<!-- file: PATH -->` as the file has it. */
function withFiles(text: string): string {
  return text.replaceAll(
    /(^<!-- file: (\S+) -->\n\n```\w+[^\n]*\n)[^]*?(^```$)/gm,
    (_all, head: string, path: string, tail: string) =>
      `${head}${readFileSync(pageAt(path), "utf8")}${tail}`,
  );
}
