import { Footer } from "./footer.js";

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
  /** What stays at the bottom of the terminal, where a person looks at one. */
  readonly footer?: Footer;
  /** Calls back for each key that is pressed. Returns the function that ends it. */
  readonly keys?: (listener: (key: string) => void) => () => void;
  onSignal(names: readonly NodeJS.Signals[], listener: (name: NodeJS.Signals) => void): () => void;
}

/** The context of the process itself. */
export function processContext(): CommandContext {
  const { stdin, stdout, stderr } = process;
  const isTerminal = stdin.isTTY && stdout.isTTY && stderr.isTTY;
  const footer = isTerminal ? new Footer(stdout) : undefined;
  return {
    cwd: process.cwd(),
    environment: process.env,
    stdout: unbreakable(stdout, footer),
    stderr: unbreakable(stderr, footer),
    ...(footer !== undefined && { footer, keys: keysOf(stdin) }),
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
function unbreakable(stream: NodeJS.WriteStream, footer: Footer | undefined): Output {
  stream.on("error", () => undefined);
  return {
    get isTTY() {
      return stream.isTTY;
    },
    write(text) {
      try {
        if (footer === undefined) {
          stream.write(text);
        } else {
          footer.above(() => stream.write(text));
        }
      } catch {
        // There is no other place to say it.
      }
    },
  };
}

/** Keys as they are pressed, Ctrl-C among them, which sends no signal meanwhile. */
function keysOf(stdin: NodeJS.ReadStream): NonNullable<CommandContext["keys"]> {
  return (listener) => {
    const onData = (data: Buffer) => listener(data.toString());
    stdin.setRawMode(true);
    stdin.on("data", onData);
    return () => {
      stdin.off("data", onData);
      stdin.setRawMode(false);
      stdin.pause();
    };
  };
}

/** Writes one line. */
export function writeLine(output: Output, line: string): void {
  output.write(`${line}\n`);
}
