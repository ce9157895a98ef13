import { join } from "node:path";
import { repositoryRoot } from "../repository-root.js";
import { toolOutput } from "../tool-output.js";

/**
 * Installs sdks/python with pip into a virtual environment in a directory, as its user does. Resolves with the interpreter. On Debian: apt
 * install python3-venv.
 */
export async function preparePythonSdk(directory: string): Promise<string> {
  const environment = join(directory, "venv");
  await toolOutput(await findPython(), ["-m", "venv", environment], { timeoutMs });
  const python = join(environment, "bin/python");
  const options = ["--quiet", "--disable-pip-version-check", "--no-cache-dir"];
  await toolOutput(python, ["-m", "pip", "install", ...options, `${repositoryRoot}sdks/python`], {
    timeoutMs,
  });
  return python;
}

/** Unpacking pip takes a busy machine a minute. */
const timeoutMs = 200_000;

/** A machine may have an interpreter of its own in front of Debian's, perhaps too old. */
async function findPython(): Promise<string> {
  const causes: unknown[] = [];
  const probe = "import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 10))";
  for (const python of ["python3", "/usr/bin/python3"]) {
    try {
      // oxlint-disable-next-line no-await-in-loop -- the first that will do
      await toolOutput(python, ["-c", probe]);
      return python;
    } catch (error) {
      causes.push(error);
    }
  }
  throw new AggregateError(
    causes,
    "no python3 here is 3.10 or later and has venv: apt install python3-venv",
  );
}
