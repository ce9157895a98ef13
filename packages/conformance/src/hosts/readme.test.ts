import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { documentedPrograms } from "./documented-programs.js";
import { RunningProgram } from "./running-program.js";

const page = new URL("../../../../README.md", import.meta.url);

it("answers what the README's curl commands show, by the README's plugin and host", async () => {
  const programs = documentedPrograms(page);
  expect([...programs.keys()]).toEqual(["A plugin", "A host"]);
  const files = { "notes.js": programs.get("A plugin") ?? "" };
  const calls = documentedCalls(readFileSync(page, "utf8"));
  expect(calls.length).toBeGreaterThan(3);

  await using program = await RunningProgram.start(programs.get("A host") ?? "", files);
  for (const { path, init, output } of calls) {
    const response = await fetch(`http://127.0.0.1:${program.port}${path}`, init);
    expect([path, await response.text()]).toEqual([path, output]);
  }
});

interface DocumentedCall {
  readonly path: string;
  readonly init: RequestInit;
  /** What curl prints. */
  readonly output: string;
}

/** The curl commands of a page's console block, each with the lines that stand below it. */
function documentedCalls(text: string): DocumentedCall[] {
  const session = /^```console\n(.*?)^```/ms.exec(text)?.[1] ?? "";
  return Array.from(session.matchAll(/^\$ curl (.*)\n((?:[^$].*\n)*)/gm), (command) => {
    const [, words = "", output = ""] = command;
    return { ...requestOf(words), output };
  });
}

/** What curl is asked for. Throws for a word that this does not know. */
function requestOf(command: string): Pick<DocumentedCall, "path" | "init"> {
  const headers = new Headers();
  const init: RequestInit = { headers };
  let path: string | undefined;
  const words = Array.from(command.matchAll(/"([^"]*)"|\S+/g), ([word, quoted]) => quoted ?? word);
  while (words.length > 0) {
    const word = words.shift() ?? "";
    if (word === "-X") {
      init.method = words.shift() ?? "";
    } else if (word === "-d") {
      init.body = words.shift() ?? "";
    } else if (word === "-H") {
      const [name = "", value = ""] = (words.shift() ?? "").split(/: (.*)/);
      headers.set(name, value);
    } else if (word.startsWith("http://localhost:8080/")) {
      path = word.slice("http://localhost:8080".length);
    } else {
      throw new Error(`the README's curl has ${word}, which this test does not know`);
    }
  }
  if (path === undefined) {
    throw new Error(`the README's curl ${command} calls nobody`);
  }
  return { path, init };
}
