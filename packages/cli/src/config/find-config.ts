import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { saidWrong } from "../context/command-error.js";

/** The names under which a config is found, the first that is there. */
export const configNames = [
  "servehttp.config.ts",
  "servehttp.config.js",
  "servehttp.config.mjs",
  "servehttp.config.json",
] as const;

/**
 * The path of the config: the one that was named, or the one in this directory. Undefined where
 * there is none.
 *
 * @throws CommandError where the named one does not exist, or several are here
 */
export function findConfig(named: string | undefined, directory: string): string | undefined {
  if (named !== undefined) {
    const path = resolve(directory, named);
    if (!existsSync(path)) {
      throw saidWrong(`--config ${named}: no such file`);
    }
    return path;
  }
  const found = configNames.filter((name) => existsSync(resolve(directory, name)));
  if (found.length > 1) {
    throw saidWrong(`there are ${found.join(" and ")}: remove one, or name one by --config`);
  }
  return found[0] === undefined ? undefined : resolve(directory, found[0]);
}
