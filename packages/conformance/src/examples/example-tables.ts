import type { FeatureTable } from "../frameworks/feature-table.js";
import { exampleManifest } from "./example-manifest.js";
import { examples } from "./examples.js";

/** The table of each example in `docs/frameworks.md`, by its name there: `example-express`, and so on. */
export function exampleTables(): Readonly<Record<string, FeatureTable>> {
  return Object.fromEntries(
    Object.entries(examples).map(([name, rows]) => {
      const { versions } = exampleManifest(name);
      return [`example-${name}`, { rows, versions }];
    }),
  );
}
