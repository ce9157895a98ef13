import { expect } from "vitest";
import type { ExampleFeature } from "../example-feature.js";
import { headingOf, isAlive, keepsWhatIsSaid, navigates } from "./page-checks.js";

/** How a framework's pages come to work behind the bridge: the last column of their rows. */
export interface PageNotes {
  /** The packages that make the pages. */
  readonly by: readonly string[];
  readonly assets: string;
  readonly links: string;
  readonly forms: string;
  /** How one build comes to work at any place, where it does. */
  readonly anywhere?: string;
  /** What its development server needs, and an edit that a browser has to see. */
  readonly development?: DevelopmentNotes;
}

interface DevelopmentNotes {
  readonly how: string;
  /** The source of the page with the heading `Home`. */
  readonly file: string;
  /** Whether an edit loads the page anew. */
  readonly reloads?: true;
  /** What its page asks for in vain. */
  readonly allowed?: RegExp;
}

/**
 * The rows of a framework that makes pages. Each example has the same two: `Home` with a logo, a
 * counter that needs its script, a form and a link, and `About`.
 */
export function pageFeatures(notes: PageNotes): readonly ExampleFeature[] {
  const { by, anywhere, development } = notes;
  const production: readonly ExampleFeature[] = [
    {
      feature: "pages, style sheets, images, scripts that take over",
      by,
      inBrowser: true,
      works: "yes",
      how: notes.assets,
      check: (site) => site.look(isAlive),
    },
    {
      feature: "navigation without a new page, back, deep links after a reload",
      by,
      inBrowser: true,
      works: "yes",
      how: notes.links,
      check: (site) => site.look((page) => navigates(page, site)),
    },
    {
      feature: "forms",
      by,
      inBrowser: true,
      works: "yes",
      how: notes.forms,
      check: (site) => site.look(keepsWhatIsSaid),
    },
  ];
  return [
    ...production,
    ...(anywhere === undefined ? [] : [anywhereFeature(by, anywhere)]),
    ...(development === undefined ? [] : [developmentFeature(by, development)]),
  ];
}

function anywhereFeature(by: readonly string[], how: string): ExampleFeature {
  return {
    feature: "one build for any place, by a relative base: the same, and links from further down",
    by,
    inBrowser: true,
    works: "yes",
    how,
    mode: "anywhere",
    async check(site) {
      await site.look(async (page) => {
        await navigates(page, site);
        await keepsWhatIsSaid(page);
      });
      await site.look(isAlive, { path: "a/b/c" });
    },
  };
}

function developmentFeature(
  by: readonly string[],
  { how, file, allowed, reloads }: DevelopmentNotes,
): ExampleFeature {
  return {
    feature: reloads
      ? "the development server, which loads the page anew over its WebSocket"
      : "the development server, hot replacement of modules over its WebSocket",
    by,
    inBrowser: true,
    works: "yes",
    how,
    mode: "development",
    check: (site) =>
      site.look(
        async (page) => {
          await isAlive(page);
          await page.evaluate("globalThis.kept = true");
          await site.edit(file, "<h1>Home</h1>", "<h1>Home, edited</h1>");
          await expect.poll(() => headingOf(page)).toBe("Home, edited");
          expect(await page.evaluate("globalThis.kept")).toBe(reloads ? undefined : true);
          await keepsWhatIsSaid(page);
        },
        { allowed },
      ),
  };
}
