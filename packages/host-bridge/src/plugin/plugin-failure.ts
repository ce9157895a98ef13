import { type ErrorCode, type Logger, ServeHTTPError } from "@servehttp/contract";
import { foreignTextMax } from "../limits.js";
import { escapeControl } from "../process/escape-control.js";
import { exitText, type ProcessExit } from "../process/plugin-process.js";
import type { RunEnd } from "../process/shared-process.js";

/** Why a plugin failed once. */
export interface PluginFailure {
  readonly at: Date;
  readonly code: ErrorCode;
  /** In words, without what the plugin printed. */
  readonly message: string;
  /** The code with which its process exited, where it did. */
  readonly exitCode: number | undefined;
  /** The signal that ended its process, where one did. */
  readonly signal: string | undefined;
  /** The last lines on its standard error, escaped; 2 KiB at the most. */
  readonly stderr: readonly string[];
}

/** Puts together what is known of a failure when the plugin's process has ended. */
export function pluginFailure(reason: ServeHTTPError, end: RunEnd, at: Date): PluginFailure {
  const { exit } = end;
  // A process that crashes loses its connection first.
  const crashed = reason.code === "connection-lost" && exit !== undefined && !end.wasAsked;
  const message = crashed ? `it ${exitText(exit)}` : reasonText(reason);
  return {
    at,
    code: reason.code,
    message,
    ...exitDetails(exit),
    stderr: end.stderr,
  };
}

/**
 * Says in the log what has failed, and when it starts again: undefined for not by itself.
 *
 * @param isElsewhere whether it is an address, where somebody else starts it
 */
export function logFailure(
  logger: Required<Logger>,
  failure: PluginFailure,
  delayMs: number | undefined,
  isStopping: boolean,
  isElsewhere: boolean,
): void {
  const { code, exitCode, signal } = failure;
  // What it printed has been logged before, line by line.
  const details = { code, exitCode, signal, delayMs };
  const message = `plugin failed: ${failure.message}`;
  if (isStopping) {
    logger.info(details, message);
  } else if (delayMs === undefined) {
    const advice = "repair it, then call host.reload() for it";
    logger.error(details, `${message}; it failed too often and is not started again: ${advice}`);
  } else {
    const again = isElsewhere ? "the host tries again" : "it starts again";
    logger.warn(details, `${message}; ${again} in ${delayMs} ms`);
  }
}

/** Says in the log how the process of a plugin ended that was stopped. */
export function logEnd(logger: Required<Logger>, { exit }: RunEnd): void {
  if (exit !== undefined) {
    logger.info(exitDetails(exit), `plugin process ${exitText(exit)}`);
  }
}

/** How a process ended, as fields of a record. */
function exitDetails(exit: ProcessExit | undefined): Pick<PluginFailure, "exitCode" | "signal"> {
  return {
    exitCode: exit?.kind === "code" ? exit.code : undefined,
    signal: exit?.kind === "signal" ? exit.signal : undefined,
  };
}

/** The failure in one line: which plugin, why, and what it said last on standard error. */
export function failureError(pluginId: string, failure: PluginFailure): ServeHTTPError {
  const said = failure.stderr.length === 0 ? "" : `; it said: ${failure.stderr.join(" | ")}`;
  const message = `plugin ${pluginId}: ${failure.message}${said}`;
  return new ServeHTTPError(failure.code, message);
}

/** An error that may hold a plugin's words, as fields of a record. */
export function errorDetails(error: ServeHTTPError): Readonly<Record<string, unknown>> {
  if (error.code === "internal") {
    // A defect of the host's own, for which its stack is needed.
    return { code: error.code, err: error };
  }
  return { code: error.code, reason: reasonText(error) };
}

/** What an error says, and its cause where that says more. */
function reasonText({ cause, message }: ServeHTTPError): string {
  const saysMore = cause instanceof Error && !message.includes(cause.message);
  return saysMore ? `${foreignText(message)}: ${foreignText(cause.message)}` : foreignText(message);
}

/** Text that may come from a plugin, for one line of a log. */
function foreignText(text: string): string {
  const escaped = escapeControl(text.slice(0, foreignTextMax));
  return text.length > foreignTextMax ? `${escaped}…` : escaped;
}
