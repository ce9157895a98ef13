import { lstatSync, mkdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { failed } from "../context/command-error.js";

/**
 * Where the control sockets of a user's hosts are: in `RUNTIME_DIRECTORY` (as systemd sets it) or
 * `XDG_RUNTIME_DIR`, else in the directory for temporary files.
 */
export function runtimeDirectory(
  environment: Readonly<Record<string, string | undefined>>,
): string {
  const { RUNTIME_DIRECTORY: own, XDG_RUNTIME_DIR: ofUser } = environment;
  const base = own?.split(":")[0] || ofUser;
  return base === undefined || base === ""
    ? join(environment["TMPDIR"] || tmpdir(), `servehttp-${userId()}`)
    : join(base, "servehttp");
}

/**
 * Makes the directory, which only its owner may enter.
 *
 * @throws CommandError where it is somebody else's, or others may enter it
 */
export function makeRuntimeDirectory(directory: string): void {
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
  } catch (thrown) {
    throw failed(`control socket: ${(thrown as Error).message}`, thrown);
  }
  const problem = runtimeDirectoryProblem(directory);
  if (problem !== undefined) {
    throw failed(`control socket: ${directory} ${problem}`);
  }
}

/** Why nobody may trust what is in a directory; undefined where one may. */
export function runtimeDirectoryProblem(directory: string): string | undefined {
  const found = lstatSync(directory, { throwIfNoEntry: false });
  if (found?.isDirectory() !== true) {
    return "is no directory";
  }
  if (found.uid !== userId()) {
    return "belongs to another user";
  }
  return (found.mode & 0o077) === 0 ? undefined : "is open to other users: chmod 700";
}

export function userId(): number {
  return process.getuid?.() ?? 0;
}
