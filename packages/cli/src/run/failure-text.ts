import type { PluginFailure } from "@servehttp/host-bridge";
import { saidLines } from "../output/said-lines.js";

/** Why a plugin does not start, with what it said last on standard error. */
export function failureText(id: string, failure: PluginFailure | undefined): string {
  if (failure === undefined) {
    return `plugin ${id} does not start`;
  }
  const said = saidLines(failure.stderr)
    .map((line) => `\n${line}`)
    .join("");
  const advice =
    failure.exitCode === 0 ? "; a plugin calls servePlugin, and runs until its host ends it" : "";
  return `plugin ${id} does not start: ${failure.message}${advice}${said}`;
}
