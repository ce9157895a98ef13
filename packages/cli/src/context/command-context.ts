/** Somewhere to write text, such as `process.stdout`. */
export interface Output {
  write(text: string): unknown;
  /** Whether a person looks at it. */
  readonly isTTY?: boolean;
}

/** What a command has of its process. Tests give one of their own. */
export interface CommandContext {
  readonly cwd: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** For what was asked for: addresses, tables, help. */
  readonly stdout: Output;
  /** For the log and for what went wrong. */
  readonly stderr: Output;
  /** Calls back at each of these signals. Returns the function that ends it. */
  onSignal(names: readonly NodeJS.Signals[], listener: (name: NodeJS.Signals) => void): () => void;
}

/** The context of the process itself. */
export function processContext(): CommandContext {
  return {
    cwd: process.cwd(),
    environment: process.env,
    stdout: unbreakable(process.stdout),
    stderr: unbreakable(process.stderr),
    onSignal(names, listener) {
      for (const name of names) {
        process.on(name, listener);
      }
      return () => {
        for (const name of names) {
          process.off(name, listener);
        }
      };
    },
  };
}

/** A host goes on when nobody reads what it prints, and when the disk is full. */
function unbreakable(stream: NodeJS.WriteStream): Output {
  stream.on("error", () => undefined);
  return {
    get isTTY() {
      return stream.isTTY;
    },
    write(text) {
      try {
        stream.write(text);
      } catch {
        // There is no other place to say it.
      }
    },
  };
}

/** Writes one line. */
export function writeLine(output: Output, line: string): void {
  output.write(`${line}\n`);
}
