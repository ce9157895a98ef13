/**
 * Where this library says what a plugin's author should know: details first, then a sentence, as a pino logger
 * takes them. A pino logger is one.
 */
export interface Logger {
  warn(details: Readonly<Record<string, unknown>>, message: string): void;
  error(details: Readonly<Record<string, unknown>>, message: string): void;
}
