import { readFileSync } from "node:fs";
import { stripTypeScriptTypes } from "node:module";

/** A program of a page: one of its blocks of JavaScript or TypeScript. */
export interface DocumentedProgram {
  /** The heading above it. */
  readonly heading: string;
  /** JavaScript is TypeScript as well, on the pages of this project. */
  readonly language: "js" | "ts";
  readonly code: string;
}

/** All programs of a page, in their order. */
export function programsOfPage(page: URL): readonly DocumentedProgram[] {
  return readFileSync(page, "utf8")
    .split(/^#+ /m)
    .flatMap((section) => {
      const heading = section.slice(0, section.indexOf("\n"));
      return Array.from(
        section.matchAll(/^```(js|ts)\n(.*?)^```/gms),
        ([, language, code = ""]) => ({ heading, language: language as "js" | "ts", code }),
      );
    });
}

/**
 * The programs of a page as JavaScript that runs, by the heading above them. Throws if a heading has
 * two.
 */
export function documentedPrograms(page: URL): ReadonlyMap<string, string> {
  const programs = new Map<string, string>();
  for (const { heading, language, code } of programsOfPage(page)) {
    if (programs.has(heading)) {
      throw new Error(`${page.pathname} has two programs below ${heading}`);
    }
    programs.set(heading, language === "js" ? code : stripTypeScriptTypes(code));
  }
  return programs;
}
