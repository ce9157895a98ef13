import { Writable } from "node:stream";
import { type Logger, pino } from "pino";

/** A logger whose records a test reads: those of this level and above. */
export function logRecords(level: "debug" | "warn" = "debug"): {
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
  return { logger: pino({ level }, sink), records };
}
