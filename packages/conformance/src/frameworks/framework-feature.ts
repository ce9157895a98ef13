import type { TargetName } from "../targets/target-names.js";
import type { AppAddress } from "./served-app.js";

/** A row of a table in `docs/frameworks.md`. */
export interface FeatureRow {
  /** What it is. */
  readonly feature: string;
  /** The packages that do it, beside the framework. */
  readonly by?: readonly string[];
  /** "but": it works, and there is something to know. */
  readonly works: "yes" | "but" | "no";
  /** How it is done, or what is different, or why it can't be: one or two sentences, Markdown. */
  readonly how: string;
}

/** A feature of a framework: a row of `docs/frameworks.md`, and what proves it. */
export interface FrameworkFeature extends FeatureRow {
  /** Where it is checked. Default: on every target. */
  readonly targets?: readonly TargetName[];
  /** Throws when the row is not true. */
  check(this: void, app: AppAddress): Promise<void>;
}
