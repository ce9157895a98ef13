import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { observed } from "../test-rig/observed.js";
import { accessRecord } from "./access-record.js";

const page = fileURLToPath(new URL("../../../../docs/observability.md", import.meta.url));
const source = readFileSync(new URL("access-record.ts", import.meta.url), "utf8");

/** Names and docstrings of the members of `AccessRecord`. */
const members = Array.from(
  source.matchAll(/^ {2}\/\*\* ([^\n]+) \*\/\n {2}readonly "?([\w.]+)"?:/gm),
  ([, doc = "", name = ""]) => [name, doc] as const,
);

it("says in docs/observability.md what the docstrings say (npm run generate writes it)", async () => {
  const rows = members.map(([name, doc]) => `| \`${name}\` | ${doc} |`);
  const table = ["| name | what it says |", "|---|---|", ...rows].join("\n");
  const written = readFileSync(page, "utf8").replace(
    /(<!-- access-record -->\n).*?(<!-- end -->)/s,
    (_all, start: string, end: string) => `${start}${table}\n${end}`,
  );
  await expect(written).toMatchFileSnapshot(page);
});

it("has a docstring for each name of a record", () => {
  expect(members.map(([name]) => name)).toEqual(Object.keys(accessRecord(observed())));
});
