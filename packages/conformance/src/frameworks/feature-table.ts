import { readFileSync } from "node:fs";
import type { FrameworkFeature } from "./framework-feature.js";

/**
 * A page with its tables written anew: each between `<!-- features:NAME -->` and `<!-- end -->`.
 *
 * @throws Error where the page's tables are not exactly these
 */
export function withFeatureTables(
  page: string,
  tables: Readonly<Record<string, readonly FrameworkFeature[]>>,
): string {
  const missing = new Set(Object.keys(tables));
  const written = page.replace(
    /(<!-- features:(\S+) -->\n).*?(?=<!-- end -->)/gs,
    (_all, begin, name) => {
      const features = tables[name as string];
      if (features === undefined) {
        throw new Error(`the page asks for a table that is not there: ${String(name)}`);
      }
      missing.delete(name as string);
      return `${begin}${featureTable(features)}`;
    },
  );
  if (missing.size > 0) {
    throw new Error(`the page has no place for ${[...missing].join(", ")}`);
  }
  return written;
}

function featureTable(features: readonly FrameworkFeature[]): string {
  const rows = features.map(({ feature, by = [], works, how }) => {
    const packages = by.map((name) => `${name} ${versionOf(name)}`).join(", ");
    return `| ${feature} | ${packages} | ${verdicts[works]} | ${how} |\n`;
  });
  return `| feature | by | works | how, or why not |\n|---|---|---|---|\n${rows.join("")}`;
}

const verdicts = { yes: "yes", but: "yes, but", no: "no" } as const;

const { devDependencies: versions } = JSON.parse(
  readFileSync(new URL("../../package.json", import.meta.url), "utf8"),
) as { devDependencies: Record<string, string> };

/** The version that the tests run with. */
function versionOf(name: string): string {
  const version = versions[name];
  if (version === undefined) {
    throw new Error(`${name} is no devDependency of packages/conformance`);
  }
  return version;
}
