import { readFileSync } from "node:fs";

/**
 * The programs of a page: its blocks of JavaScript, by the heading above them. Throws if a heading
 * has two.
 */
export function documentedPrograms(page: URL): ReadonlyMap<string, string> {
  const programs = new Map<string, string>();
  for (const section of readFileSync(page, "utf8").split(/^#+ /m).slice(1)) {
    const heading = section.slice(0, section.indexOf("\n"));
    const blocks = Array.from(section.matchAll(/^```js\n(.*?)^```/gms), ([, code]) => code ?? "");
    if (blocks.length > 1) {
      throw new Error(`${page.pathname} has ${blocks.length} programs below ${heading}`);
    }
    if (blocks[0] !== undefined) {
      programs.set(heading, blocks[0]);
    }
  }
  return programs;
}
