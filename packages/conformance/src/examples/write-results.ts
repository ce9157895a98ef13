import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { exampleManifest } from "./example-manifest.js";
import { examples } from "./examples.js";
import { withResults } from "./with-results.js";

/**
 * Writes what a run of the examples has found into `docs/frameworks.md`: `node write-results.js
 * REPORT`, where the report is that of Vitest in JSON. Examples that did not run keep their line.
 */
const [, , report = ""] = process.argv;
const page = new URL("../../../../docs/frameworks.md", import.meta.url);
const { testResults } = JSON.parse(readFileSync(report, "utf8")) as {
  testResults: { assertionResults: { ancestorTitles: string[]; status: string }[] }[];
};
const tests = testResults.flatMap(({ assertionResults }) => assertionResults);
const chromium = execFileSync(process.env["CHROMIUM"] ?? "/usr/bin/chromium", ["--version"]);
const [chromiumVersion = ""] = /\d+/.exec(chromium.toString()) ?? [];
const machine = `Node ${process.versions.node}, Chromium ${chromiumVersion}`;
const [date = ""] = new Date().toISOString().split("T");

const lines = new Map<string, string>();
for (const name of Object.keys(examples)) {
  const ran = tests.filter(
    ({ ancestorTitles: [first], status }) => first === name && status !== "skipped",
  );
  if (ran.length > 0) {
    const passed = ran.filter(({ status }) => status === "passed").length;
    const versions = Object.entries(exampleManifest(name).versions)
      .filter(([dependency]) => !dependency.startsWith("@servehttp/"))
      .map((entry) => entry.join(" "));
    lines.set(name, `${versions.join(", ")} | ${machine} | ${date} | ${passed} of ${ran.length}`);
  }
}
writeFileSync(page, withResults(readFileSync(page, "utf8"), lines));
