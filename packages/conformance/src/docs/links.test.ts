import { existsSync, globSync, readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { pageAt } from "./pages.js";

const root = pageAt("./").pathname;
const pages = globSync(
  "{*.md,docs/*.md,packages/*/*.md,decisions/*.md,findings/*.md,interop/*.md,apps/*/*.md}",
  {
    cwd: root,
  },
);

it.each(pages)("%s links to files and headings that exist", (page) => {
  const text = readFileSync(pageAt(page), "utf8").replaceAll(/^```.*?^```/gms, "");
  const broken = Array.from(
    text.matchAll(/\]\((?!https?:|mailto:)([^)\s]*)\)/g),
    ([, link = ""]) => link,
  ).filter((link) => !isThere(page, link));
  expect(broken).toEqual([]);
});

function isThere(page: string, link: string): boolean {
  const [path = "", anchor] = link.split("#");
  const target = path === "" ? pageAt(page) : new URL(path, pageAt(page));
  if (!existsSync(target)) {
    return false;
  }
  return anchor === undefined || !target.pathname.endsWith(".md") || anchorsOf(target).has(anchor);
}

/** The anchors that code hosts and the documentation site give to the headings of a page. */
function anchorsOf(page: URL): ReadonlySet<string> {
  const text = readFileSync(page, "utf8").replaceAll(/^```.*?^```/gms, "");
  return new Set(
    Array.from(text.matchAll(/^#+ (.*)$/gm), ([, heading = ""]) =>
      heading
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N}\s_-]/gu, "")
        .trim()
        .replaceAll(/\s/g, "-"),
    ),
  );
}
