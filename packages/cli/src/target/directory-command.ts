import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { saidWrong } from "../context/command-error.js";

/** What a plugin's folder is run by where its package.json names nothing, the first that is there. */
const mainNames = ["plugin.ts", "plugin.js", "plugin.mjs", "plugin.py", "plugin"];

/**
 * The file that a plugin's folder is run by: `main` of its package.json, otherwise the file named
 * plugin.
 *
 * @throws CommandError where there is none
 */
export function mainOfDirectory(directory: string, target: string): string {
  const named = mainOfPackage(directory, target);
  const main = named ?? mainNames.find((name) => existsSync(join(directory, name)));
  if (main === undefined) {
    const wanted = `"main" in its package.json, or a file ${mainNames.join(", ")}`;
    throw saidWrong(`${target}: nothing in this folder says what to run; it needs ${wanted}`);
  }
  const path = join(directory, main);
  if (!existsSync(path)) {
    throw saidWrong(`${target}: "main" in its package.json is ${main}, and there is no such file`);
  }
  return path;
}

function mainOfPackage(directory: string, target: string): string | undefined {
  const path = join(directory, "package.json");
  if (!existsSync(path)) {
    return undefined;
  }
  try {
    const { main } = JSON.parse(readFileSync(path, "utf8")) as { readonly main?: unknown };
    return typeof main === "string" ? main : undefined;
  } catch (thrown) {
    throw saidWrong(`${target}: its package.json: ${(thrown as Error).message}`, thrown);
  }
}
