import { extname } from "node:path";
import type { PluginFailure } from "@servehttp/host-bridge";
import { hasSdk } from "./python-command.js";

/**
 * What to do where a script did not start because its Python has no SDK, in words; undefined where
 * that is not why.
 *
 * @param command as `pythonCommand` has made it; of another one nothing is known
 */
export function missingSdkAdvice(
  [python = "", script = "", ...rest]: readonly string[],
  { exitCode, stderr }: Pick<PluginFailure, "exitCode" | "stderr">,
): string | undefined {
  const mayLack =
    exitCode === 0 || stderr.some((line) => /No module named '?servehttp\b/.test(line));
  if (rest.length > 0 || extname(script) !== ".py" || !mayLack || hasSdk(python)) {
    return undefined;
  }
  const install =
    python === "python3"
      ? "python3 -m venv .venv && .venv/bin/pip install servehttp"
      : `${python} -m pip install servehttp`;
  return `${python} has no package servehttp, which serves applications (ASGI, WSGI) and has serve_plugin: ${install}`;
}
