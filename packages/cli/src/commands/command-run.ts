import type { Command } from "commander";
import type { CommandContext } from "../context/command-context.js";

/** What a command is run with, and where it leaves its exit code. */
export interface CommandRun {
  readonly context: CommandContext;
  exitCode: number;
}

/** A command of the program. Its action throws a `CommandError`, or sets `run.exitCode`. */
export type MakeCommand = (run: CommandRun) => Command;
