import type { Report, Result } from "./result.js";
import { failureLine } from "./table.js";

/** A report as JUnit's XML, one suite for each carrier. What is known to fail counts as skipped. */
export function junitOf({ results, software, seed }: Report): string {
  const carriers = [...new Set(results.map(({ carrier }) => carrier))];
  const suites = carriers.map((carrier) => {
    const cases = results.filter((result) => result.carrier === carrier);
    return [
      `  <testsuite name="${carrier}" tests="${cases.length}" failures="${cases.filter(isFailure).length}" skipped="${cases.filter(isSkipped).length}">`,
      "    <properties>",
      `      <property name="software" value="${escaped(software)}"/>`,
      `      <property name="seed" value="${escaped(seed)}"/>`,
      "    </properties>",
      ...cases.map(caseOf),
      "  </testsuite>",
    ].join("\n");
  });
  return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites name="servehttp-conformance">\n${suites.join("\n")}\n</testsuites>\n`;
}

function caseOf(result: Result): string {
  const seconds = (result.durationMs / 1_000).toFixed(3);
  const head = `    <testcase classname="${result.carrier}" name="${escaped(`${result.id}: ${result.text}`)}" time="${seconds}"`;
  if (isFailure(result)) {
    return `${head}><failure message="${escaped(failureLine(result))}"/></testcase>`;
  }
  return isSkipped(result)
    ? `${head}><skipped message="${escaped(result.message ?? "")}"/></testcase>`
    : `${head}/>`;
}

function isFailure({ outcome }: Result): boolean {
  return outcome === "failed" || outcome === "fixed";
}

function isSkipped({ outcome }: Result): boolean {
  return outcome === "skipped" || outcome === "known";
}

function escaped(text: string): string {
  const entities: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", '"': "&quot;" };
  return (
    text
      // XML 1.0 has no form for these.
      // oxlint-disable-next-line no-control-regex -- they are what is looked for
      .replaceAll(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, "\ufffd")
      .replaceAll(/[&<"]/g, (one) => entities[one] ?? one)
  );
}
