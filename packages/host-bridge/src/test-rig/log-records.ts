import { Writable } from "node:stream";
import { type Logger, pino } from "pino";

/** A logger whose records a test reads. */
export function logRecords(): {
  readonly logger: Logger;
  readonly records: readonly Record<string, unknown>[];
} {
  const records: Record<string, unknown>[] = [];
  const sink = new Writable({
    write(line: Buffer, _encoding, callback) {
      records.push(JSON.parse(line.toString()) as Record<string, unknown>);
      callback();
    },
  });
  return { logger: pino({ level: "debug" }, sink), records };
}
