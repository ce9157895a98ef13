import { Command, CommanderError } from "commander";
import { type CommandContext, writeLine } from "./context/command-context.js";
import { CommandError } from "./context/command-error.js";
import type { CommandRun, MakeCommand } from "./commands/command-run.js";
import { checkCommand } from "./commands/check-command.js";
import {
  logsCommand,
  reloadCommand,
  restartCommand,
  startCommand,
  statusCommand,
  stopCommand,
  upgradeCommand,
} from "./commands/control-commands.js";
import { initCommand } from "./commands/init-command.js";
import { serveCommand } from "./commands/serve-command.js";
import { version } from "./context/version.js";

/**
 * Runs `servehttp` with these arguments, and returns its exit code: 0 after it did what was asked,
 * 1 when that failed, 2 when what was asked can't be right. What went wrong is one message on
 * standard error.
 */
export async function runCommandLine(
  commandLine: readonly string[],
  context: CommandContext,
): Promise<number> {
  const run: CommandRun = { context, exitCode: 0 };
  try {
    await program(run).parseAsync(commandLine, { from: "user" });
    return run.exitCode;
  } catch (thrown) {
    if (thrown instanceof CommanderError) {
      // It has said itself what is wrong.
      return thrown.exitCode === 0 ? 0 : 2;
    }
    const { message, exitCode } = asCommandError(thrown);
    writeLine(context.stderr, `servehttp: ${message}`);
    return exitCode;
  }
}

const otherCommands: readonly MakeCommand[] = [
  checkCommand,
  initCommand,
  statusCommand,
  reloadCommand,
  restartCommand,
  startCommand,
  stopCommand,
  logsCommand,
  upgradeCommand,
];

function program(run: CommandRun): Command {
  const { stdout, stderr } = run.context;
  const root = new Command("servehttp")
    .description("Runs HTTP plugins, each a process of its own, without writing a host.")
    .version(version, "-V, --version", "print the version")
    .helpOption("-h, --help", "print this help")
    .helpCommand(false)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void stdout.write(text),
      writeErr: (text) => void stderr.write(text),
      outputError: (text, write) => write(oneLine(text)),
    });
  const serve = serveCommand(run).copyInheritedSettings(root).allowExcessArguments();
  root.addCommand(serve, { isDefault: true });
  for (const make of otherCommands) {
    root.addCommand(make(run).copyInheritedSettings(root));
  }
  return root.addHelpText("after", () => optionsText(serve));
}

/** The options of the command that runs when none is named. */
function optionsText(command: Command): string {
  const help = command.createHelp();
  help.prepareContext({ helpWidth: 100 });
  const width = help.padWidth(command, help);
  const options = help
    .visibleOptions(command)
    .filter(({ long }) => long !== "--help")
    .map((option) =>
      help.formatItem(help.optionTerm(option), width, help.optionDescription(option), help),
    );
  return `\nOptions of ${command.name()}:\n${options.join("\n")}`;
}

/** Commander's `error: unknown option '--prot'\n(Did you mean --port?)`, in this command's words. */
function oneLine(text: string): string {
  const line = text
    .replace(/^error: /, "")
    .trim()
    .replaceAll(/\s*\n\s*/g, " ")
    .replace("(Did you mean", "(did you mean");
  return `servehttp: ${line}; servehttp --help lists what there is\n`;
}

function asCommandError(thrown: unknown): CommandError {
  if (thrown instanceof CommandError) {
    return thrown;
  }
  const text = thrown instanceof Error ? thrown.message : String(thrown);
  return new CommandError(1, text, { cause: thrown });
}
