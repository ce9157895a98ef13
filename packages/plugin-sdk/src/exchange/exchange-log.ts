import type { Logger } from "@servehttp/contract";
import type { LogDetails, RequestLog } from "../handler/request-log.js";

/** Writes the records of one exchange to the plugin's logger, each with the fields of the exchange. */
export class ExchangeLog implements RequestLog {
  readonly #logger: Logger;
  readonly #fields: Readonly<Record<string, unknown>>;

  /** @param logger one that never throws */
  constructor(logger: Logger, fields: Readonly<Record<string, unknown>>) {
    this.#logger = logger;
    this.#fields = fields;
  }

  debug(first: LogDetails | string, message?: string): void {
    this.#write("debug", first, message);
  }

  info(first: LogDetails | string, message?: string): void {
    this.#write("info", first, message);
  }

  warn(first: LogDetails | string, message?: string): void {
    this.#write("warn", first, message);
  }

  error(first: LogDetails | string, message?: string): void {
    this.#write("error", first, message);
  }

  child(fields: Readonly<Record<string, unknown>>): RequestLog {
    return new ExchangeLog(this.#logger, this.#with(fields));
  }

  #write(
    level: "debug" | "info" | "warn" | "error",
    first: LogDetails | string,
    message: string | undefined,
  ): void {
    if (typeof first === "string") {
      this.#logger[level]?.(this.#fields, first);
      return;
    }
    if (first instanceof Error) {
      this.#logger[level]?.({ ...this.#fields, err: first }, message ?? first.message);
      return;
    }
    this.#logger[level]?.(this.#with(first), message ?? "");
  }

  /** Reading somebody else's object may throw. The record is written all the same. */
  #with(details: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
    try {
      return { ...this.#fields, ...details };
    } catch (error) {
      return { ...this.#fields, err: error };
    }
  }
}
