import { readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { failed } from "../context/command-error.js";
import type { Companion } from "../run/running-host.js";

/**
 * Writes the process id into a file, where one is named, and removes the file at the end unless
 * another process has written its own by then.
 *
 * @throws CommandError where the file can't be written
 */
export const writePidFile: Companion = async ({ settings: { pidFile } }) => {
  if (pidFile === undefined) {
    return () => undefined;
  }
  const content = `${process.pid}\n`;
  try {
    // As a whole or not at all, for whoever reads it just now.
    writeFileSync(`${pidFile}.${process.pid}`, content);
    renameSync(`${pidFile}.${process.pid}`, pidFile);
  } catch (thrown) {
    throw failed(`pid file ${pidFile}: ${(thrown as Error).message}`, thrown);
  }
  return () => {
    if (contentOf(pidFile) === content) {
      rmSync(pidFile, { force: true });
    }
  };
};

function contentOf(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}
