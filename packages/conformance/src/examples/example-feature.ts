import type { FeatureRow } from "../frameworks/framework-feature.js";
import type { ExampleMode, ExampleSite } from "./example-site.js";

/** A row of an example's table in `docs/frameworks.md`, and what proves it. */
export interface ExampleFeature extends FeatureRow {
  /** Where it is checked. Default: `"production"`. */
  readonly mode?: ExampleMode;
  /** Whether it is looked at in a browser. Default: no, so that the gate can check it. */
  readonly inBrowser?: true;
  /** Throws when the row is not true. */
  check(this: void, site: ExampleSite): Promise<void>;
}
