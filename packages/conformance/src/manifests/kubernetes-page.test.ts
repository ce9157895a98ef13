import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { isMap, isScalar, parseDocument, type YAMLMap } from "yaml";
import { pageAt } from "../docs/pages.js";
import { chart } from "./chart-digest.js";

const page = fileURLToPath(pageAt("docs/kubernetes.md"));

interface Row {
  readonly path: string;
  readonly value: string;
  readonly text: string;
}

it("lists in docs/kubernetes.md the values of the chart (npm run generate writes it)", async () => {
  const { contents } = parseDocument(readFileSync(join(chart, "values.yaml"), "utf8"));
  const rows = rowsOf(contents as YAMLMap, "");
  expect(rows.filter(({ text }) => text === "")).toEqual([]);
  const cells = rows.map(({ path, value, text }) => `| \`${path}\` | \`${value}\` | ${text} |`);
  const table = ["| value | default | what it says |", "|---|---|---|", ...cells].join("\n");
  const written = readFileSync(page, "utf8").replace(
    /(<!-- values -->\n).*?(<!-- end -->)/s,
    (_all, start: string, end: string) => `${start}${table}\n${end}`,
  );
  await expect(written).toMatchFileSnapshot(page);
});

/** Values one by one; what has words of its own, and is an object, is one value. */
function rowsOf(map: YAMLMap, prefix: string): Row[] {
  return map.items.flatMap((item, index) => {
    const { key, value } = item;
    const name = isScalar(key) ? String(key.value) : "";
    const path = `${prefix}${name}`;
    const before = isScalar(key) ? key.commentBefore : undefined;
    // What stands in front of the first key of a map is the map's.
    const comment = before ?? (index === 0 ? map.commentBefore : undefined) ?? "";
    if (isMap(value) && value.items.length > 0 && (comment === "" || name === "pluginDefaults")) {
      return rowsOf(value, `${path}.`);
    }
    const text = comment.replaceAll(/\s*\n\s*/g, " ").trim();
    return [{ path, value: JSON.stringify(value), text: text.replaceAll("|", "\\|") }];
  });
}
