import { repositoryRoot } from "./repository-root.js";
import type { SamplePlugin } from "./sample-plugins.js";
import { toolOutput } from "./tool-output.js";

/** What the whole kit takes on a busy machine. */
export const kitTimeoutMs = 300_000;

/**
 * Runs `servehttp-conformance` with a command that starts a plugin. Resolves with its report; rejects
 * with it where something is not as expected. `args` are further options.
 */
export async function checkedByKit(plugin: string, ...args: string[]): Promise<string> {
  const kit = `${repositoryRoot}packages/conformance-kit/dist/bin.js`;
  const options = ["--plugin", plugin, "--timeout", "60", ...args];
  try {
    return await toolOutput(process.execPath, [kit, ...options], { timeoutMs: kitTimeoutMs });
  } catch (error) {
    // It prints what was wrong on standard output.
    throw new Error(`${(error as { stdout?: string }).stdout ?? ""}\n${String(error)}`, {
      cause: error,
    });
  }
}

/** A command and its environment as the one line that the kit takes. */
export function commandLine({ command, env = {} }: SamplePlugin): string {
  const variables = Object.entries(env).map(([name, value]) => `${name}=${value}`);
  const words = variables.length === 0 ? command : ["env", ...variables, ...command];
  return words.map((word) => `"${word}"`).join(" ");
}
