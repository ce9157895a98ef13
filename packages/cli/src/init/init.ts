import { existsSync, mkdirSync, readdirSync } from "node:fs";
import { basename, relative, resolve } from "node:path";
import { type CommandContext, writeLine } from "../context/command-context.js";
import { saidWrong } from "../context/command-error.js";
import { callAgain, install, installCommands } from "./install.js";
import { copyTemplate, type TemplateName } from "./templates.js";

export interface InitOptions {
  /** The new plugin's folder. */
  readonly directory: string;
  readonly template: TemplateName;
  /** Whether to install what it needs. */
  readonly install: boolean;
}

/**
 * Makes a plugin's folder from a template, and says what to do next.
 *
 * @throws CommandError where there is something in the folder, or its name can be no plugin's id
 */
export async function init(options: InitOptions, context: CommandContext): Promise<void> {
  const directory = resolve(context.cwd, options.directory);
  const name = basename(directory);
  if (!/^[a-z\d][a-z\d._-]{0,127}$/.test(name)) {
    throw saidWrong(
      `${name}: is no name for a plugin; take small letters, digits, ".", "_" and "-"`,
    );
  }
  const found = existsSync(directory) ? contentOf(directory) : [];
  if (found.length > 0) {
    throw saidWrong(`${options.directory}: is not empty; there is ${found.slice(0, 3).join(", ")}`);
  }
  mkdirSync(directory, { recursive: true });
  const files = copyTemplate(options.template, directory, name);
  const here = relative(context.cwd, directory) || ".";
  writeLine(
    context.stdout,
    `made ${here} from the template ${options.template}: ${files.join(" ")}`,
  );
  const commands = installCommands(options.template, context.environment);
  if (options.install) {
    await install(commands, directory);
  }
  const steps = [
    ...(options.install ? [] : [`(${[["cd", here], ...commands].map(joined).join(" && ")})`]),
    `${callAgain(context.environment)} --plugin ${name}=${here === "." ? "." : `./${here}`}`,
  ];
  writeLine(context.stdout, `now run: ${steps.join(" && ")}`);
}

const joined = (words: readonly string[]) => words.join(" ");

function contentOf(directory: string): readonly string[] {
  try {
    return readdirSync(directory).filter((name) => name !== ".git");
  } catch (thrown) {
    throw saidWrong(`${directory}: ${(thrown as Error).message}`, thrown);
  }
}
