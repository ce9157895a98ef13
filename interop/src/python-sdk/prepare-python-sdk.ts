import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { repositoryRoot } from "../repository-root.js";
import { toolOutput } from "../tool-output.js";

/** What a reader of the README has, who has run its first two commands. */
export interface PreparedPython {
  /** The interpreter of the virtual environment `.venv`, which has the SDK. */
  readonly python: string;
  /** The target of the plugin in the third command. */
  readonly target: string;
}

/**
 * Does in a directory what the README of sdks/python says, "From nothing to a page": writes the application, and installs the SDK
 * with pip into a virtual environment. On Debian: apt install python3-venv.
 */
export async function preparePythonSdk(directory: string): Promise<PreparedPython> {
  const page = await readFile(`${repositoryRoot}sdks/python/README.md`, "utf8");
  const [, name, program] = /^```python\n# (\S+)\n(.*?)^```/ms.exec(page) ?? [];
  const commands =
    /^ {4}(python3 -m venv \.venv)\n {4}(\.venv\/bin\/pip install .*)\n {4}npx servehttp --plugin notes=(\S+)\n\n/m;
  const [, makeEnvironment, install, target] = commands.exec(page) ?? [];
  if (
    name === undefined ||
    program === undefined ||
    makeEnvironment === undefined ||
    install === undefined ||
    target === undefined
  ) {
    throw new Error("the README of sdks/python has no program, or not its three commands");
  }
  await writeFile(join(directory, name), program);
  const script = [
    makeEnvironment.replace("python3", await findPython()),
    install.replace("servehttp", `${repositoryRoot}sdks/python`),
  ];
  // Unpacking pip takes a busy machine a minute.
  await toolOutput("bash", ["-ec", script.join("\n")], {
    cwd: directory,
    env: { PIP_QUIET: "1", PIP_DISABLE_PIP_VERSION_CHECK: "1", PIP_NO_CACHE_DIR: "1" },
    timeoutMs: 280_000,
  });
  return { python: join(directory, ".venv/bin/python"), target };
}

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
