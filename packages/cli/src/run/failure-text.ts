import type { PluginFailure, PluginOptions } from "@servehttp/host-bridge";
import { saidLines } from "../output/said-lines.js";
import { failureReason } from "./failure-reason.js";

/**
 * Why a plugin does not start, with what it said last on standard error.
 *
 * @param options the plugin's
 */
export function failureText(
  id: string,
  options: PluginOptions | undefined,
  failure: PluginFailure | undefined,
): string {
  if (failure === undefined) {
    return `plugin ${id} does not start`;
  }
  const said = saidLines(failure.stderr)
    .map((line) => `\n${line}`)
    .join("");
  return `plugin ${id} does not start: ${failureReason(failure, options)}${said}`;
}
