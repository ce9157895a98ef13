import { resolve } from "node:path";
import { parseArgs } from "node:util";

/** What `npm start` was asked for. */
export interface DemoArguments {
  /** 0 to 65,535; 0 lets the system choose a free one. */
  readonly port: number;
  /** Where *files* keeps what it is sent; undefined for a temporary directory that goes at exit. */
  readonly dataDirectory: string | undefined;
}

/** What the demo says to `--help`. */
export const usage = `npm start -- [--port PORT] [--data DIRECTORY]

  --port PORT        where to listen on 127.0.0.1 (default: $PORT, else a free port)
  --data DIRECTORY   keep uploads there (default: a temporary directory, removed at exit)`;

/**
 * Reads the command line; `--port` wins over the environment's PORT. Returns "help" where that is
 * asked for, and throws an Error with one line for people where something is not understood.
 */
export function parseDemoArguments(
  commandLine: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): DemoArguments | "help" {
  const { port, data, help } = readFlags(commandLine);
  if (help === true) {
    return "help";
  }
  return {
    port:
      port === undefined
        ? parsePort(environment["PORT"] ?? "0", "PORT")
        : parsePort(port, "--port"),
    dataDirectory: data === undefined ? undefined : resolve(data),
  };
}

function readFlags(commandLine: readonly string[]) {
  try {
    return parseArgs({
      args: [...commandLine],
      options: {
        port: { type: "string" },
        data: { type: "string" },
        help: { type: "boolean", short: "h" },
      },
    }).values;
  } catch (thrown) {
    const complaint =
      thrown instanceof Error ? thrown.message.split(/\. |\n/, 1)[0] : String(thrown);
    throw new Error(`${complaint}; known are --port, --data and --help`, { cause: thrown });
  }
}

function parsePort(text: string, source: string): number {
  const port = Number(text);
  if (!/^\d{1,5}$/.test(text) || port > 65_535) {
    throw new Error(`${source} must be a number from 0 to 65535, not ${JSON.stringify(text)}`);
  }
  return port;
}
