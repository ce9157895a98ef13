// Prints "PASSED FAILED" for a JSON report of vitest's or a JUnit report of pytest's (.xml). A failure without a failed test counts as one: a
// file that doesn't load, a hook that failed, an error outside of any file, no report at all, a run
// without a test.
//
//   node count-tests.mjs REPORT EXIT_STATUS
import { existsSync, readFileSync } from "node:fs";

const [reportPath, exitStatus] = process.argv.slice(2);
const report = existsSync(reportPath) ? readFileSync(reportPath, "utf8") : undefined;
let passed = 0;
let failed = 0;
for (const [, suite] of reportPath.endsWith(".xml")
  ? (report ?? "").matchAll(/<testsuite ([^>]*)>/g)
  : []) {
  const count = (name) => Number(new RegExp(` ${name}="(\\d+)"`).exec(` ${suite}`)?.[1] ?? 0);
  failed += count("failures") + count("errors");
  passed += count("tests") - count("failures") - count("errors") - count("skipped");
}
const files =
  report === undefined || reportPath.endsWith(".xml") ? [] : JSON.parse(report).testResults;
for (const { status, assertionResults } of files) {
  const failedHere = assertionResults.filter((test) => test.status === "failed").length;
  passed += assertionResults.filter((test) => test.status === "passed").length;
  failed += failedHere === 0 && status === "failed" ? 1 : failedHere;
}
if (failed === 0 && (exitStatus !== "0" || passed === 0)) {
  failed = 1;
}
console.log(`${passed} ${failed}`);
