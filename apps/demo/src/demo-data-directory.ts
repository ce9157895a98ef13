import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

/**
 * Where *files* keeps what it is sent: `$DEMO_DATA`, or a temporary directory that is removed when
 * the process ends. It is the same one when the config is read again.
 */
export function demoDataDirectory(environment: NodeJS.ProcessEnv): string {
  const named = environment["DEMO_DATA"];
  if (named !== undefined && named !== "") {
    mkdirSync(named, { recursive: true });
    return resolve(named);
  }
  const made = mkdtempSync(join(tmpdir(), "servehttp-demo-"));
  process.once("exit", () => rmSync(made, { recursive: true, force: true }));
  environment["DEMO_DATA"] = made;
  return made;
}
