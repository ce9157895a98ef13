import { extname } from "node:path";

/** How a script is run by the Node that runs this command. */
export function nodeCommand(path: string): readonly string[] {
  return [process.execPath, ...(isTypeScript(path) ? typeScriptFlags() : []), path];
}

function isTypeScript(path: string): boolean {
  return [".ts", ".mts", ".cts"].includes(extname(path));
}

/** Node 22.18, Bun and Deno take types off by themselves; Node 22.15 to 22.17 by a flag. */
function typeScriptFlags(): readonly string[] {
  const runsTypeScript = process.features.typescript !== false || "Bun" in globalThis;
  return runsTypeScript
    ? []
    : ["--experimental-strip-types", "--disable-warning=ExperimentalWarning"];
}
