/** What a record says beside its sentence. An Error becomes the field `err`, as with pino. */
export type LogDetails = Readonly<Record<string, unknown>> | Error;

/**
 * The log of a request. Each record has the fields `requestId`, the host's name for the exchange,
 * and `trace_id` and `span_id` where the request is part of a trace, so that one search finds what
 * host and plugins have logged of it.
 *
 * The methods take a sentence, or details and a sentence, as pino's do. They never throw. Records go
 * where the option `logger` of `servePlugin` says: by default to standard error as lines of JSON,
 * which a host takes over into its own log with their level and their fields.
 */
export interface RequestLog {
  /** What helps only to find a fault. A logger without `debug` drops it. */
  debug(message: string): void;
  debug(details: LogDetails, message?: string): void;

  /** What happened. A logger without `info` drops it. */
  info(message: string): void;
  info(details: LogDetails, message?: string): void;

  /** What somebody should look at some day. */
  warn(message: string): void;
  warn(details: LogDetails, message?: string): void;

  /** What somebody should look at now. */
  error(message: string): void;
  error(details: LogDetails, message?: string): void;

  /** The same log with more fields in each record. */
  child(fields: Readonly<Record<string, unknown>>): RequestLog;
}
