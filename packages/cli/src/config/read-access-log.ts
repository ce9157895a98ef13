import { resolve } from "node:path";
import type { HostOptions } from "@servehttp/host-bridge";
import type { CommandContext } from "../context/command-context.js";
import type { LogSettings } from "../output/log-settings.js";
import { prettyAccess } from "../output/pretty-access.js";

/** The option of `createPluginHost`. */
type AccessLog = HostOptions["accessLog"];

/** What the command knows of where logs go. */
export interface AccessLogPlaces {
  /** Relative paths are relative to it. */
  readonly directory: string;
  readonly log: LogSettings;
  /** The config has a logger of its own. */
  readonly hasLogger: boolean;
  readonly context: Pick<CommandContext, "stdout" | "stderr">;
}

/**
 * The access log with the place where it goes: records in JSON go where the log goes, lines in the
 * combined format to standard output, where whatever collects them finds nothing else.
 *
 * @param flag of the command line, which wins over the config's format; true: any format
 */
export function readAccessLog(
  given: AccessLog,
  flag: "json" | "combined" | true | undefined,
  places: AccessLogPlaces,
): AccessLog {
  if (flag === undefined && (given === undefined || given === false)) {
    return given;
  }
  if (given !== undefined && typeof given !== "boolean" && (typeof given !== "object" || !given)) {
    // The host says what is wrong with it.
    return given;
  }
  const settings = typeof given === "object" ? given : {};
  const format = flag === undefined || flag === true ? settings.format : flag;
  const to = settings.to ?? defaultPlace(format ?? "json", places);
  return {
    ...settings,
    ...(format !== undefined && { format }),
    ...(to !== undefined && { to: typeof to === "string" ? resolve(places.directory, to) : to }),
  };
}

function defaultPlace(
  format: string,
  { log, hasLogger, context: { stdout, stderr } }: AccessLogPlaces,
): { write(text: string): unknown } | undefined {
  if (format === "combined") {
    return stdout;
  }
  if (hasLogger) {
    return undefined;
  }
  const isPretty = (log.format ?? (stderr.isTTY === true ? "pretty" : "json")) === "pretty";
  return isPretty ? { write: (lines) => stderr.write(prettyAccess(lines, stderr)) } : stderr;
}
