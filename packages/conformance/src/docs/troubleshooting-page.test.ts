import { globSync, readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { pageAt } from "./pages.js";

/** The messages of docs/troubleshooting.md: what its tables have in code in their first column. */
function documentedMessages(): string[] {
  const text = readFileSync(pageAt("docs/troubleshooting.md"), "utf8");
  const tables = text.slice(text.indexOf("## The plugin does not start"));
  return tables
    .split("\n")
    .filter((line) => line.startsWith("| `"))
    .flatMap((line) =>
      Array.from(
        (line.split(" | ")[0] ?? "").matchAll(/`([^`]+)`/g),
        ([, message = ""]) => message,
      ),
    );
}

/** What programs print, on one line: the sources without line breaks between pieces of a text. */
function sourceText(): string {
  const root = pageAt("./").pathname;
  return globSync("packages/{contract,carrier,cli,host-bridge,plugin-sdk}/src/**/*.ts", {
    cwd: root,
  })
    .filter((path) => !path.includes(".test.") && !path.includes("test-rig"))
    .map((path) => readFileSync(pageAt(path), "utf8"))
    .join("\n")
    .replaceAll(/["`] \+\s*["`]/g, "")
    .replaceAll('\\"', '"');
}

it("explains no message that the packages don't have", () => {
  const source = sourceText();
  const messages = documentedMessages();
  expect(messages.length).toBeGreaterThan(70);
  const pieces = messages.flatMap((message) =>
    message.split("…").map((piece) => ({ message, piece: piece.trim() })),
  );
  const unknown = pieces.filter(({ piece }) => piece.length > 3 && !source.includes(piece));
  expect(unknown).toEqual([]);
});
