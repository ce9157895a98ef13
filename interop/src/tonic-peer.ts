import { repositoryRoot } from "./repository-root.js";
import { toolOutput } from "./tool-output.js";

const source = `${repositoryRoot}interop/tonic`;

/** Why the plugin on tonic can't be built on this machine: no cargo, no way to its crates, no protoc. Undefined where it can. */
export async function reasonWithoutTonic(): Promise<string | undefined> {
  try {
    await toolOutput("protoc", ["--version"]);
    await toolOutput("cargo", ["fetch", "--locked"], { cwd: source, timeoutMs: 120_000 });
    return undefined;
  } catch (error) {
    return String(error).split("\n", 1)[0];
  }
}

/** Builds the plugins, contract and all, and gives the path of one. What was built stays in interop/tonic/target. */
export async function buildTonicPlugin(name: "plugin" | "smallest" = "plugin"): Promise<string> {
  // The first time it is a minute's work for two cores.
  await toolOutput("cargo", ["build", "--locked", "--offline", "--quiet"], {
    cwd: source,
    timeoutMs: 400_000,
  });
  return `${source}/target/debug/${name}`;
}
