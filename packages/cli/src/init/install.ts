import { spawn } from "node:child_process";
import { once } from "node:events";
import { failed } from "../context/command-error.js";
import type { TemplateName } from "./templates.js";

/** The commands that install what a new plugin needs, in its folder. */
export function installCommands(
  template: TemplateName,
  environment: Readonly<Record<string, string | undefined>>,
): readonly (readonly [string, ...string[]])[] {
  if (template === "python") {
    return [
      ["python3", "-m", "venv", ".venv"],
      [".venv/bin/pip", "install", "--quiet", "-r", "requirements.txt"],
    ];
  }
  if (template === "go") {
    return [
      ["go", "mod", "tidy"],
      ["go", "build", "-o", "plugin", "."],
    ];
  }
  return [[packageManager(environment), "install"]];
}

/**
 * Runs them, with what they print on this terminal.
 *
 * @throws CommandError with exit code 1 where one fails
 */
export async function install(
  commands: readonly (readonly [string, ...string[]])[],
  directory: string,
): Promise<void> {
  for (const [program, ...args] of commands) {
    const text = [program, ...args].join(" ");
    const child = spawn(program, args, { cwd: directory, stdio: ["ignore", "inherit", "inherit"] });
    const [code] = (await once(child, "exit").catch((error: unknown) => {
      throw failed(`${text}: ${(error as Error).message}; run it again in ${directory}`, error);
    })) as [number | null];
    if (code !== 0) {
      throw failed(`${text} failed; the files are there: run it again in ${directory}`);
    }
  }
}

/** How this command is called again: as it was, where a package manager has run it. */
export function callAgain(environment: Readonly<Record<string, string | undefined>>): string {
  const runner = runners[runBy(environment) ?? ""];
  return runner === undefined ? "servehttp" : `${runner} servehttp`;
}

const runners: Readonly<Record<string, string>> = {
  npm: "npx",
  pnpm: "pnpm dlx",
  yarn: "yarn dlx",
  bun: "bunx",
};

/** The one that runs this command (`npx`, `pnpm dlx`, `bunx`), otherwise npm. */
function packageManager(environment: Readonly<Record<string, string | undefined>>): string {
  return runBy(environment) ?? "npm";
}

function runBy(environment: Readonly<Record<string, string | undefined>>): string | undefined {
  return /^(npm|pnpm|yarn|bun)\//.exec(environment["npm_config_user_agent"] ?? "")?.[1];
}
