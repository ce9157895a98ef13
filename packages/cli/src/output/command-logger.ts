import { type DestinationStream, type Logger, pino } from "pino";
import type { Output } from "../context/command-context.js";
import type { LogTail } from "./log-tail.js";
import type { LogSettings } from "./log-settings.js";
import { prettyRecord } from "./pretty-record.js";

/**
 * The log of the command: records of pino, one JSON object a line, or lines for people.
 */
export function commandLogger(
  { format, level }: LogSettings,
  output: Output,
  tail: LogTail,
): Logger {
  const isPretty = (format ?? (output.isTTY === true ? "pretty" : "json")) === "pretty";
  const destination: DestinationStream = {
    write: (record) => {
      if (tail.add(record)) {
        output.write(isPretty ? prettyRecord(record, output) : record);
      }
    },
  };
  return pino({ name: "servehttp", level }, destination);
}
