import { repositoryRoot } from "./repository-root.js";
import { toolOutput } from "./tool-output.js";

const source = `${repositoryRoot}interop/go`;

/** Why the plugin in Go can't be built on this machine: no Go, or no way to its modules. Undefined where it can. */
export async function reasonWithoutGo(): Promise<string | undefined> {
  try {
    await toolOutput("go", ["mod", "download"], { cwd: source, timeoutMs: 120_000 });
    return undefined;
  } catch (error) {
    return String(error).split("\n", 1)[0];
  }
}

/** Generates the contract's packages, builds the plugin into a directory, and gives its path. */
export async function buildGoPlugin(directory: string): Promise<string> {
  await toolOutput("buf", ["generate", "../.."], { cwd: source, timeoutMs: 120_000 });
  await toolOutput("go", ["build", "-o", `${directory}/plugin`, "."], {
    cwd: source,
    timeoutMs: 240_000,
  });
  return `${directory}/plugin`;
}
