import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { docstringsOf } from "@servehttp/testkit";
import { expect, it } from "vitest";
import { calls } from "./api/calls.js";

const page = fileURLToPath(new URL("../../../docs/admin.md", import.meta.url));
const source = readFileSync(new URL("admin-options.ts", import.meta.url), "utf8");

it("says in docs/admin.md what the docstrings say (npm run generate writes it)", async () => {
  const rows = Array.from(docstringsOf(source, "const adminKeys = {"), ([option, doc]) => {
    const [, text = doc, told = "needed"] = /^(.*?) ?Default: (.+?)\.?$/s.exec(doc) ?? [];
    return `| \`${option}\` | ${told} | ${text} |`;
  });
  const table = ["| option | default | what it says |", "|---|---|---|", ...rows].join("\n");
  const written = readFileSync(page, "utf8").replace(
    /(<!-- admin-options -->\n).*?(<!-- end -->)/s,
    (_all, start: string, end: string) => `${start}${table}\n${end}`,
  );
  await expect(written).toMatchFileSnapshot(page);
});

it("names every call in docs/admin.md", () => {
  const text = readFileSync(page, "utf8");
  const missing = Object.values(calls)
    .map(({ path }) => path.split("/").at(-1) ?? "")
    .filter((end) => !text.includes(end));
  expect(missing).toEqual([]);
});
