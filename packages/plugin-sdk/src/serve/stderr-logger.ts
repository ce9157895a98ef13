import { inspect } from "node:util";
import type { Logger } from "@servehttp/contract";
import { logLineBytesMax } from "../limits.js";

/**
 * JSON lines on standard error, with the names and levels of pino. A host takes them over into its
 * own log.
 */
export const stderrLogger: Logger = {
  debug: (details, message) => write(20, details, message),
  info: (details, message) => write(30, details, message),
  warn: (details, message) => write(40, details, message),
  error: (details, message) => write(50, details, message),
};

interface LogRecord extends Readonly<Record<string, unknown>> {
  readonly level: number;
  readonly time: number;
  readonly msg: string;
}

function write(level: number, details: Readonly<Record<string, unknown>>, message: string): void {
  process.stderr.write(`${lineOf({ level, time: Date.now(), ...details, msg: message })}\n`);
}

/** The record as one line that hosts don't cut: where it is too long, its texts are shortened. */
function lineOf(record: LogRecord): string {
  try {
    for (const charactersMax of [Infinity, 1_024, 128]) {
      const line = JSON.stringify(record, (_key, value: unknown) => readable(value, charactersMax));
      if (Buffer.byteLength(line) <= logLineBytesMax) {
        return line;
      }
    }
  } catch {
    // Handlers throw anything: an object with a circle, or one whose getters throw. The line is
    // written all the same.
  }
  const { level, time, msg, ...details } = record;
  const shown = inspect(details, inspectOptions);
  return JSON.stringify({ level, time, details: cut(shown, 768), msg: cut(msg, 256) });
}

/** So that no code of the value's own is called. */
const inspectOptions = { customInspect: false, showProxy: true, depth: 4, breakLength: Infinity };

/** Errors have no enumerable properties, and would become {}. */
function readable(value: unknown, charactersMax: number): unknown {
  if (value instanceof Error) {
    const { name, message, stack, cause } = value;
    const { code, errors } = value as { code?: unknown; errors?: unknown };
    return { type: name, message, code, stack, cause, errors };
  }
  if (typeof value === "string") {
    return cut(value, charactersMax);
  }
  return typeof value === "bigint" ? String(value) : value;
}

function cut(text: string, charactersMax: number): string {
  return text.length > charactersMax ? `${text.slice(0, charactersMax)}…` : text;
}
