// Prints "PASSED FAILED" for a vitest JSON report. A run that failed without a failed test (a file that doesn't load, an
// error outside of a test, no report at all, no test at all) counts as one failure.
//
//   node count-tests.mjs REPORT EXIT_STATUS
import { existsSync, readFileSync } from "node:fs";

const [reportPath, exitStatus] = process.argv.slice(2);
const report = existsSync(reportPath)
  ? JSON.parse(readFileSync(reportPath, "utf8"))
  : { numPassedTests: 0, numFailedTests: 0 };
const passed = report.numPassedTests;
const unexplained = report.numFailedTests === 0 && (exitStatus !== "0" || passed === 0);
console.log(`${passed} ${unexplained ? 1 : report.numFailedTests}`);
