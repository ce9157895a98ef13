import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { observed } from "../test-rig/observed.js";
import { type MetricDefinition, metricDefinitions } from "../metrics/metric-definitions.js";
import { accessRecord } from "./access-record.js";

const page = fileURLToPath(new URL("../../../../docs/observability.md", import.meta.url));
const source = readFileSync(new URL("access-record.ts", import.meta.url), "utf8");

/** Names and docstrings of the members of `AccessRecord`. */
const members = Array.from(
  source.matchAll(/^ {2}\/\*\* ([^\n]+) \*\/\n {2}readonly "?([\w.]+)"?:/gm),
  ([, doc = "", name = ""]) => [name, doc] as const,
);

/** A list between `<!-- NAME -->` and `<!-- end -->` of the page. */
function filled(text: string, name: string, lines: readonly string[]): string {
  const place = new RegExp(`(<!-- ${name} -->\\n).*?(<!-- end -->)`, "s");
  return text.replace(place, (_all, start: string, end: string) =>
    [`${start}${lines.join("\n")}`, end].join("\n"),
  );
}

const metricRows = Object.values(metricDefinitions).map((metric: MetricDefinition) => {
  const { attributes, description, kind, name, unit } = metric;
  const attributeTexts = attributes.map((attribute) => `\`${attribute}\``);
  return `| \`${name}\` | ${kind}, ${unit.replaceAll(/[{}]/g, "")} | ${description} | ${attributeTexts.join(", ")} |`;
});

/** The rules of docs/grafana/alerts.yml, each with what it says. */
const alertRows = Array.from(
  readFileSync(new URL("../../../../docs/grafana/alerts.yml", import.meta.url), "utf8").matchAll(
    /- alert: (\w+)\n\s+expr: (?:>-\n)?(.*?)\n\s+(?:for|labels):.*?severity: (\w+).*?summary: "(.*?)"/gs,
  ),
  ([, name, query = "", severity, summary = ""]) =>
    `| \`${name}\` (${severity}) | ${summary.replace("{{ $labels.servehttp_plugin_id }}", "the plugin")} | \`${query.replaceAll(/\s+/g, " ").trim().replaceAll("|", "\\|")}\` |`,
);

it("says in docs/observability.md what the docstrings say (npm run generate writes it)", async () => {
  const rows = members.map(([name, doc]) => `| \`${name}\` | ${doc} |`);
  const metrics = ["| metric | kind, unit | what it is | attributes |", "|---|---|---|---|"];
  const alerts = ["| rule | what it says | query |", "|---|---|---|"];
  let text = readFileSync(page, "utf8");
  text = filled(text, "access-record", ["| name | what it says |", "|---|---|", ...rows]);
  text = filled(text, "metrics", [...metrics, ...metricRows]);
  text = filled(text, "alerts", [...alerts, ...alertRows]);
  await expect(text).toMatchFileSnapshot(page);
});

it("draws each metric on the dashboard of docs/grafana", () => {
  const dashboard = readFileSync(
    new URL("../../../../docs/grafana/servehttp.json", import.meta.url),
    "utf8",
  );
  const missing = Object.values(metricDefinitions)
    .map(({ name }: MetricDefinition) => name.replaceAll(".", "_"))
    // What follows is its unit, and what its kind adds.
    .filter(
      (name) =>
        !new RegExp(`\\b${name}(?:_seconds|_bytes)?(?:_total|_bucket|_sum)?[{)]`).test(dashboard),
    );
  expect(missing).toEqual([]);
});

it("has a docstring for each name of a record", () => {
  expect(members.map(([name]) => name)).toEqual(Object.keys(accessRecord(observed())));
});
