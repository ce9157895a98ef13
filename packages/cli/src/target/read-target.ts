import type { CommandPluginOptions, UrlPluginOptions } from "@servehttp/host-bridge";
import { accessSync, constants, statSync } from "node:fs";
import { delimiter, extname, join, resolve } from "node:path";
import { saidWrong } from "../context/command-error.js";
import { mainOfDirectory } from "./directory-command.js";
import { nodeCommand } from "./node-command.js";
import { pythonCommand } from "./python-command.js";
import { splitCommandLine } from "./split-command-line.js";

/** What a target says of a plugin: how it is started, or where it is. */
export type TargetOptions =
  | Pick<CommandPluginOptions, "command" | "cwd">
  | Pick<UrlPluginOptions, "url">;

/**
 * Reads what stands behind `--plugin id=`: a script, an executable, a folder with one, a command
 * line, `unix:/path` or a URL, of DNS too (`dns:///host:port`).
 *
 * @param directory relative paths are relative to it, and commands run there; a folder's runs in the
 *   folder
 * @throws CommandError where there is no such thing
 */
export function readTarget(
  target: string,
  directory: string,
  environment: Readonly<Record<string, string | undefined>>,
): TargetOptions {
  if (/^(?:(?:https?|dns|srv):\/\/|unix:|kubernetes:)/i.test(target)) {
    return { url: target };
  }
  const path = resolve(directory, target);
  const found = statSync(path, { throwIfNoEntry: false });
  if (found?.isFile()) {
    return { command: fileCommand(path, target, directory, environment), cwd: directory };
  }
  if (found?.isDirectory()) {
    const main = mainOfDirectory(path, target);
    return { command: fileCommand(main, main, path, environment), cwd: path };
  }
  const [program, ...rest] = splitCommandLine(target);
  if (program === undefined) {
    throw saidWrong(`${JSON.stringify(target)}: is empty`);
  }
  if (rest.length === 0 && !isOnPath(program, environment)) {
    const isPath = /[/\\]/.test(program) || extname(program) !== "";
    throw saidWrong(`${target}: no such file${isPath ? "" : ", and no program of that name"}`);
  }
  return { command: [program, ...rest], cwd: directory };
}

function fileCommand(
  path: string,
  target: string,
  directory: string,
  environment: Readonly<Record<string, string | undefined>>,
): readonly string[] {
  switch (extname(path)) {
    case ".js":
    case ".mjs":
    case ".cjs":
    case ".ts":
    case ".mts":
    case ".cts":
      return nodeCommand(path);
    case ".py":
      return pythonCommand(path, directory, environment);
    default:
      if (!mayExecute(path)) {
        const advice = `chmod +x it, or give the command line that runs it`;
        throw saidWrong(`${target}: is not executable; ${advice}`);
      }
      return [path];
  }
}

function isOnPath(
  program: string,
  environment: Readonly<Record<string, string | undefined>>,
): boolean {
  const directories = (environment["PATH"] ?? "").split(delimiter);
  return !/[/\\]/.test(program) && directories.some((one) => mayExecute(join(one, program)));
}

function mayExecute(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
