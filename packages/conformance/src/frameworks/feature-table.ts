import { readFileSync } from "node:fs";
import type { FeatureRow } from "./framework-feature.js";

/** The rows of a table, and the versions of the packages that they name. */
export interface FeatureTable {
  readonly rows: readonly FeatureRow[];
  /** Default: the devDependencies of this package. */
  readonly versions?: Readonly<Record<string, string>>;
}

/**
 * A page with its tables written anew: each between `<!-- features:NAME -->` and `<!-- end -->`.
 *
 * @throws Error where the page's tables are not exactly these
 */
export function withFeatureTables(
  page: string,
  tables: Readonly<Record<string, FeatureTable>>,
): string {
  const missing = new Set(Object.keys(tables));
  const written = page.replace(
    /(<!-- features:(\S+) -->\n).*?(?=<!-- end -->)/gs,
    (_all, begin, name) => {
      const table = tables[name as string];
      if (table === undefined) {
        throw new Error(`the page asks for a table that is not there: ${String(name)}`);
      }
      missing.delete(name as string);
      return `${begin}${featureTable(table)}`;
    },
  );
  if (missing.size > 0) {
    throw new Error(`the page has no place for ${[...missing].join(", ")}`);
  }
  return written;
}

function featureTable({ rows, versions = ownVersions }: FeatureTable): string {
  const lines = rows.map(({ feature, by = [], works, how }) => {
    const packages = by.map((name) => `${name} ${versionOf(name, versions)}`).join(", ");
    return `| ${feature} | ${packages} | ${verdicts[works]} | ${how} |\n`;
  });
  return `| feature | by | works | how, or why not |\n|---|---|---|---|\n${lines.join("")}`;
}

const verdicts = { yes: "yes", but: "yes, but", no: "no" } as const;

const { devDependencies: ownVersions } = JSON.parse(
  readFileSync(new URL("../../package.json", import.meta.url), "utf8"),
) as { devDependencies: Record<string, string> };

/** The version that the tests run with. */
function versionOf(name: string, versions: Readonly<Record<string, string>>): string {
  const version = versions[name];
  if (version === undefined) {
    throw new Error(`${name} is no dependency of what the table is about`);
  }
  return version;
}
