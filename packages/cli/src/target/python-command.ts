import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { pythonProbeMs } from "../limits.js";

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * How a Python script is run: by the virtual environment beside it or above it, by the one that is
 * active, or by `python3`. A script that calls no `serve_plugin` itself is an application (ASGI or
 * WSGI): the SDK's own command serves it, where the SDK is installed.
 *
 * @param within where to stop looking for virtual environments
 */
export function pythonCommand(
  path: string,
  within: string,
  environment: Environment,
): readonly string[] {
  const python = pythonOf(path, within, environment);
  return servesItself(path) || !hasSdk(python) ? [python, path] : [python, "-m", "servehttp", path];
}

function pythonOf(path: string, within: string, environment: Environment): string {
  for (let at = dirname(path); ; at = dirname(at)) {
    const python = join(at, ".venv", "bin", "python");
    if (existsSync(python)) {
      return python;
    }
    if (at === within || at === dirname(at)) {
      break;
    }
  }
  const active = environment["VIRTUAL_ENV"];
  return active === undefined || active === "" ? "python3" : join(active, "bin", "python");
}

function servesItself(path: string): boolean {
  return /\b(?:serve|start)_plugin\b/.test(readFileSync(path, "utf8"));
}

/** Whether this Python has the SDK. It is found, not imported, which is quick. */
export function hasSdk(python: string): boolean {
  const look =
    "import importlib.util as u, sys; sys.exit(u.find_spec('servehttp') is None or u.find_spec('servehttp.serve') is None)";
  return spawnSync(python, ["-c", look], { stdio: "ignore", timeout: pythonProbeMs }).status === 0;
}
