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

/** The one that runs this command (`npx`, `pnpm dlx`, `bunx`), otherwise npm. */
function packageManager(environment: Readonly<Record<string, string | undefined>>): string {
  const [, name] = /^(npm|pnpm|yarn|bun)\//.exec(environment["npm_config_user_agent"] ?? "") ?? [];
  return name ?? "npm";
}
