import { until } from "@servehttp/testkit";
import { runCommandLine } from "../command-line.js";
import type { CommandContext } from "../context/command-context.js";

/** What a command has written and how it ended. */
export interface CommandResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** What a command finds. */
export interface CommandOptions extends Partial<Pick<CommandContext, "cwd" | "environment">> {
  /** Whether a person looks at its standard output. Default: false. */
  readonly isTerminal?: boolean;
}

/** A command that runs in the process of the test. */
export class CommandInMemory implements AsyncDisposable {
  /** Settles when the command has ended. */
  readonly ended: Promise<CommandResult>;
  readonly #listeners = new Set<(name: NodeJS.Signals) => void>();
  #stdout = "";
  #stderr = "";

  /** Starts `servehttp` with these arguments. */
  constructor(commandLine: readonly string[], options: CommandOptions = {}) {
    const context: CommandContext = {
      cwd: options.cwd ?? process.cwd(),
      environment: options.environment ?? process.env,
      stdout: {
        write: (written: string) => void (this.#stdout += written),
        isTTY: options.isTerminal ?? false,
      },
      stderr: { write: (written: string) => void (this.#stderr += written) },
      onSignal: (names, listener) => {
        const listen = (name: NodeJS.Signals) => {
          if (names.includes(name)) {
            listener(name);
          }
        };
        this.#listeners.add(listen);
        return () => this.#listeners.delete(listen);
      },
    };
    this.ended = runCommandLine(commandLine, context).then((exitCode) => ({
      exitCode,
      stdout: this.#stdout,
      stderr: this.#stderr,
    }));
  }

  get stdout(): string {
    return this.#stdout;
  }

  get stderr(): string {
    return this.#stderr;
  }

  /** Resolves when the standard output matches, to what it matched. */
  async said(pattern: RegExp): Promise<RegExpExecArray> {
    let found: RegExpExecArray | null = null;
    let result: CommandResult | undefined;
    void this.ended.then((ended) => (result = ended));
    await until(
      () => {
        found = pattern.exec(this.#stdout);
        return found !== null || result !== undefined;
      },
      `${pattern} in ${JSON.stringify(this.#stdout)}`,
    );
    if (found === null) {
      throw new Error(`it ended without ${pattern}: ${JSON.stringify(result)}`);
    }
    return found;
  }

  /** The address that it said it listens on. */
  async url(): Promise<string> {
    return (await this.said(/^listening on (\S+)$/m))[1] ?? "";
  }

  /** Gives it a signal. */
  signal(name: NodeJS.Signals): void {
    for (const listener of this.#listeners) {
      listener(name);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.signal("SIGTERM");
    this.signal("SIGTERM");
    await this.ended;
  }
}

/** Runs a command that ends by itself. */
export function runCommand(
  commandLine: readonly string[],
  options: CommandOptions = {},
): Promise<CommandResult> {
  return new CommandInMemory(commandLine, options).ended;
}
