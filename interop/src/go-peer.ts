import { repositoryRoot } from "./repository-root.js";
import { toolOutput } from "./tool-output.js";

/** A plugin in Go: the folder of interop/ that has its module. */
export type GoPlugin = "go" | "connect-go";

/** Why a plugin in Go can't be built on this machine: no Go, or no way to its modules. Undefined where it can. */
export async function reasonWithoutGo(plugin: GoPlugin): Promise<string | undefined> {
  try {
    await toolOutput("go", ["mod", "download"], { cwd: sourceOf(plugin), timeoutMs: 120_000 });
    return undefined;
  } catch (error) {
    return String(error).split("\n", 1)[0];
  }
}

/** Generates the contract's packages, builds the plugin into a directory, and gives its path. */
export async function buildGoPlugin(plugin: GoPlugin, directory: string): Promise<string> {
  return await buildGo(plugin, ".", `${directory}/${plugin}-plugin`);
}

/** The same for the smallest plugin on grpc-go. */
export async function buildSmallestGoPlugin(directory: string): Promise<string> {
  return await buildGo("go", "./smallest", `${directory}/smallest-go-plugin`);
}

/** The same for the host on connect-go. */
export async function buildGoHost(directory: string): Promise<string> {
  return await buildGo("connect-go", "./host", `${directory}/connect-go-host`);
}

async function buildGo(module: GoPlugin, what: string, path: string): Promise<string> {
  const cwd = sourceOf(module);
  await toolOutput("buf", ["generate", "../.."], { cwd, timeoutMs: 120_000 });
  await toolOutput("go", ["build", "-o", path, what], { cwd, timeoutMs: 240_000 });
  return path;
}

function sourceOf(plugin: GoPlugin): string {
  return `${repositoryRoot}interop/${plugin}`;
}
