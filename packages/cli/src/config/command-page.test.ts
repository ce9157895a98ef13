import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { docstringsOf } from "@servehttp/testkit";
import { expect, it } from "vitest";

const page = fileURLToPath(new URL("../../../../docs/command.md", import.meta.url));
const source = readFileSync(new URL("config.ts", import.meta.url), "utf8");

const tables: Readonly<Record<string, readonly string[]>> = {
  command: ["const commandKeys = {", "interface Callbacks {"],
  listen: ["const listenKeys = {"],
  admin: ["const adminKeys = {"],
};

it("says in docs/command.md what the docstrings say (npm run generate writes it)", async () => {
  const written = readFileSync(page, "utf8").replace(
    /(<!-- options:(\w+) -->\n).*?(<!-- end -->)/gs,
    (_all, start: string, name: string, end: string) => `${start}${tableOf(name)}\n${end}`,
  );
  await expect(written).toMatchFileSnapshot(page);
});

function tableOf(name: string): string {
  const docs = (tables[name] ?? []).flatMap((block) => [...docstringsOf(source, block)]);
  const rows = docs.map(([option, doc]) => {
    const [, text = doc, told = "needed"] = /^(.*?) ?Default: (.+?)\.?$/s.exec(doc) ?? [];
    return `| \`${option}\` | ${told} | ${text} |`;
  });
  return ["| option | default | what it says |", "|---|---|---|", ...rows].join("\n");
}
