import { type Logger, pino } from "pino";
import type { Output } from "../context/command-context.js";
import type { LogTail } from "./log-tail.js";
import type { LogSettings } from "./log-settings.js";
import { prettyRecord } from "./pretty-record.js";

/**
 * The log of the command: records of pino, one JSON object a line.
 *
 * @param write takes each of them
 */
export function commandLogger(
  { level }: Pick<LogSettings, "level">,
  write: (record: string) => void,
): Logger {
  return pino({ name: "servehttp", level }, { write });
}

/** Where records go: to the output, as lines for people where one looks. */
export function logDestination(
  { format }: Pick<LogSettings, "format">,
  output: Output,
  tail: LogTail,
): (record: string) => void {
  const isPretty = (format ?? (output.isTTY === true ? "pretty" : "json")) === "pretty";
  return (record) => {
    if (tail.add(record)) {
      output.write(isPretty ? prettyRecord(record, output) : record);
    }
  };
}
