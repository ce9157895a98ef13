import type { Outcome, Report, Result } from "./result.js";

const words: Readonly<Record<Outcome, string>> = {
  passed: "ok",
  failed: "FAILED",
  known: "known",
  fixed: "FIXED",
  skipped: "-",
};

/** A result as a line of the table. */
export function tableLine({ outcome, name, text, durationMs }: Result): string {
  const time = outcome === "skipped" ? "" : `${Math.round(durationMs)} ms`;
  return `${words[outcome].padEnd(6)}  ${name.padEnd(26)}  ${time.padStart(8)}  ${text}`;
}

/** What has to be looked at, a line each, and the sum. */
export function summary({ tested, results, software, seed, asExpected }: Report): string {
  const count = (outcome: Outcome): number =>
    results.filter((result) => result.outcome === outcome).length;
  const lines = results.filter(({ outcome }) => outcome === "failed" || outcome === "fixed");
  return [
    ...lines.map(failureLine),
    `${count("passed")} passed, ${count("failed")} failed, ${count("known")} failed as known, ${count("fixed")} fixed, ${count("skipped")} skipped: ${asExpected ? "as expected" : "not as expected"}`,
    `${tested}: ${software || "it does not say what it is"}; seed: ${seed}`,
  ].join("\n");
}

/** One line for a failure: what went wrong, what was sent and what came, and the row. */
export function failureLine({ outcome, name, message, trace, text }: Result): string {
  if (outcome === "fixed") {
    return `FIXED ${name}: it passes; take it out of the list of known failures (${message ?? ""})`;
  }
  const came = trace.length === 0 ? "" : ` | ${trace.join("; ")}`;
  return `FAILED ${name}: ${message ?? "it failed"}${came} | row: ${text}`;
}
