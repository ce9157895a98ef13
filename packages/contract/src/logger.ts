/**
 * Where a library logs to: details first, then a sentence, as pino takes them. A pino logger is
 * one, and so is any object with `warn` and `error`. Where `debug` or `info` is missing, those
 * records are dropped.
 */
export interface Logger {
  debug?(details: Readonly<Record<string, unknown>>, message: string): void;
  info?(details: Readonly<Record<string, unknown>>, message: string): void;
  warn(details: Readonly<Record<string, unknown>>, message: string): void;
  error(details: Readonly<Record<string, unknown>>, message: string): void;
}
