import { readFileSync } from "node:fs";
import { basename, dirname, extname } from "node:path";
import { createJiti } from "jiti";
import { CommandError, saidWrong } from "../context/command-error.js";
import type { Config } from "./config.js";
import { defineConfig } from "./define-config.js";
import { expandEnvironment } from "./expand-environment.js";
import { parseJsonConfig } from "./parse-json-config.js";

/**
 * Loads a config: TypeScript, JavaScript or JSON. It is read anew each time, with the modules beside
 * it, so that a running host can be brought to what the files say now. `servehttp` can be imported
 * in it wherever the command is installed. `${NAME}` in a string is the environment variable.
 *
 * What is in it has not been checked.
 *
 * @throws CommandError with exit code 2: no JSON, a syntax error, what the config threw, a missing
 *   variable. The message begins with the file's name, and the line where that is known.
 */
export async function loadConfig(
  file: string,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<Config> {
  const name = basename(file);
  const loaded =
    extname(file) === ".json" ? parseJsonConfig(readText(file), name) : await runConfig(file);
  if (typeof loaded !== "object" || loaded === null || Array.isArray(loaded)) {
    throw saidWrong(`${name}: got ${kindOf(loaded)}, allowed is an object with the options`);
  }
  try {
    return expandEnvironment(loaded, environment) as Config;
  } catch (thrown) {
    throw thrown instanceof CommandError ? saidWrong(`${name}: ${thrown.message}`) : thrown;
  }
}

function readText(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (thrown) {
    throw saidWrong(`${basename(file)}: ${(thrown as Error).message}`, thrown);
  }
}

async function runConfig(file: string): Promise<unknown> {
  const jiti = createJiti(import.meta.url, {
    moduleCache: false,
    fsCache: false,
    virtualModules: { servehttp: { defineConfig } },
  });
  try {
    const config = await jiti.import(file, { default: true });
    return typeof config === "function" ? await (config as () => unknown)() : await config;
  } catch (thrown) {
    throw saidWrong(`${placeOf(thrown, file)}: ${messageOf(thrown)}`, thrown);
  }
}

/**
 * The line of the config, or of a file beside it, where something was thrown, if it tells. Its
 * columns are those of what jiti made of the file.
 */
function placeOf(thrown: unknown, file: string): string {
  const stack = thrown instanceof Error && !isMissing(thrown) ? (thrown.stack ?? "") : "";
  const directory = dirname(file);
  for (const [, path = "", line] of stack.matchAll(/(?:file:\/\/)?(\/[^\s():]+):(\d+)/g)) {
    if (path.startsWith(`${directory}/`) && !path.includes("/node_modules/")) {
      return `${path.slice(directory.length + 1)}:${line}`;
    }
  }
  return basename(file);
}

/** An import is missing, of which no line is known. */
function isMissing(thrown: Error): boolean {
  return ["MODULE_NOT_FOUND", "ERR_MODULE_NOT_FOUND"].includes(
    (thrown as NodeJS.ErrnoException).code ?? "",
  );
}

function messageOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) {
    return `it threw ${String(thrown)}`;
  }
  const [first = ""] = thrown.message.split("\n");
  const line = first.trim();
  const syntax = /^(?:Parse|Syntax)Error: (.*)$/.exec(
    `${thrown.name}: ${line}`.replace(/^Error: /, ""),
  );
  if (syntax !== null) {
    return `syntax error: ${syntax[1]}`;
  }
  return thrown.name === "Error" ? line : `${thrown.name}: ${line}`;
}

function kindOf(value: unknown): string {
  return Array.isArray(value) ? "an array" : value === undefined ? "nothing" : typeof value;
}
