import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { programsOfPage } from "./documented-programs.js";
import { ProgramDirectory } from "./program-directory.js";
import { RunningProgram } from "./running-program.js";

const root = new URL("../../../../", import.meta.url);

it.each(["README.md", "packages/host-bridge/README.md"])(
  "answers what the curl commands of %s show, by its plugin and its host",
  async (path) => {
    const page = new URL(path, root);
    const programs = programsOfPage(page).map(({ code }) => code);
    expect(programs).toHaveLength(2);
    const isHost = (code: string) => code.includes("createPluginHost");
    const host = programs.find(isHost) ?? "";
    const plugin = programs.find((code) => !isHost(code)) ?? "";
    const calls = documentedCalls(readFileSync(page, "utf8"));
    expect(calls.length).toBeGreaterThan(1);

    await using program = await RunningProgram.start(host, { "notes.js": plugin });
    for (const call of calls) {
      const response = await fetch(`http://127.0.0.1:${program.port}${call.path}`, call.init);
      expect([call.path, await response.text()]).toEqual([call.path, call.output]);
    }
  },
);

it.each(["packages/plugin-sdk/README.md", "packages/contract/README.md"])(
  "runs the last program of %s",
  async (path) => {
    const code = programsOfPage(new URL(path, root)).at(-1)?.code ?? "";
    await using directory = await ProgramDirectory.create({ "p.js": code });
    const child = spawn(process.execPath, ["p.js"], { cwd: directory.path, stdio: "inherit" });
    expect(await once(child, "exit")).toEqual([0, null]);
  },
);

interface DocumentedCall {
  readonly path: string;
  readonly init: RequestInit;
  /** What curl prints. */
  readonly output: string;
}

/** The curl commands of a page's console blocks, each with the lines that stand below it. */
function documentedCalls(text: string): DocumentedCall[] {
  const sessions = Array.from(text.matchAll(/^```console\n(.*?)^```/gms), ([, session]) => session);
  const session = sessions.join("");
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
