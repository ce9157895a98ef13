import { parse } from "shell-quote";
import { saidWrong } from "../context/command-error.js";

/**
 * Splits a command line into words as a shell does, quotes and backslashes included. Nothing is
 * expanded.
 *
 * @throws CommandError for what only a shell does: pipes, redirections, patterns
 */
export function splitCommandLine(line: string): readonly string[] {
  return parse(line, (name) => `$${name}`).map((word) => {
    if (typeof word === "string") {
      return word;
    }
    if ("op" in word && word.op === "glob") {
      return word.pattern;
    }
    const shown = "op" in word ? word.op : "#";
    throw saidWrong(
      `${JSON.stringify(line)}: no shell reads this, so ${JSON.stringify(shown)} means nothing; use sh -c '…' for one`,
    );
  });
}
