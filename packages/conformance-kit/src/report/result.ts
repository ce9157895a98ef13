import type { CarrierName } from "../wire/host.js";

/**
 * What a check came to. `known`: it failed, and the list of known failures says so. `fixed`: that
 * list says that it fails, and it did not. `skipped`: it can't be run with this one.
 */
export type Outcome = "passed" | "failed" | "known" | "fixed" | "skipped";

/** One check on one carrier. */
export interface Result {
  /** `carrier/id`: "mux/Q7.reset". */
  readonly name: string;
  readonly id: string;
  readonly carrier: CarrierName;
  /** What the plugin or the host has to do. */
  readonly text: string;
  readonly outcome: Outcome;
  /** What went wrong, why it was skipped, or why it is known to fail. In one line. */
  readonly message: string | undefined;
  /** Where it failed: what was sent and what came in the last of its exchanges. */
  readonly trace: readonly string[];
  readonly durationMs: number;
}

/** What a run came to. */
export interface Report {
  /** What was tested. */
  readonly tested: "plugin" | "host";
  /** What the plugin is built with, by its own words; of a host, where it is. */
  readonly software: string;
  /** Repeats everything random in it. */
  readonly seed: string;
  readonly results: readonly Result[];
  /** Nothing has failed that was not known, and all that was known has. */
  readonly asExpected: boolean;
}
