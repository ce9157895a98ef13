import { inspect } from "node:util";
import type { Logger } from "@servehttp/contract";

/** JSON lines on stderr, which a host takes over into its own log. */
export const stderrLogger: Logger = {
  warn: (details, message) => write(40, details, message),
  error: (details, message) => write(50, details, message),
};

/** `level` is pino's number. */
function write(level: number, details: Readonly<Record<string, unknown>>, message: string): void {
  const time = Date.now();
  process.stderr.write(`${lineOf({ level, time, ...details, msg: message })}\n`);
}

function lineOf(record: Readonly<Record<string, unknown>>): string {
  try {
    return JSON.stringify(record, readableError);
  } catch {
    // Handlers throw anything: an object with a circle, or one whose getters throw. The line is written all the same.
    const { level, time, msg, ...details } = record;
    return JSON.stringify({ level, time, details: inspect(details, inspectOptions), msg });
  }
}

/** So that no code of the value's own is called. */
const inspectOptions = { customInspect: false, showProxy: true, depth: 4, breakLength: Infinity };

/** Errors have no enumerable properties, and would become {}. */
function readableError(_key: string, value: unknown): unknown {
  if (value instanceof Error) {
    const { name, message, stack, cause } = value;
    const { code, errors } = value as { code?: unknown; errors?: unknown };
    return { name, message, code, stack, cause, errors };
  }
  return typeof value === "bigint" ? String(value) : value;
}
