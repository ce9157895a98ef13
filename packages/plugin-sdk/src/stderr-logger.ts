import type { Logger } from "./logger.js";

/** JSON lines on stderr, which a host takes over into its own log. */
export const stderrLogger: Logger = {
  warn: (details, message) => write(40, details, message),
  error: (details, message) => write(50, details, message),
};

/** `level` is pino's number. */
function write(level: number, details: Readonly<Record<string, unknown>>, message: string): void {
  const record = { level, time: Date.now(), ...details, msg: message };
  process.stderr.write(`${JSON.stringify(record, readableError)}\n`);
}

/** Errors have no enumerable properties, and would come out as {}. */
function readableError(_key: string, value: unknown): unknown {
  if (value instanceof Error) {
    return { name: value.name, message: value.message, stack: value.stack, cause: value.cause };
  }
  return typeof value === "bigint" ? String(value) : value;
}
