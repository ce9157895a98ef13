import type { TemporaryDirectory } from "@servehttp/testkit";
import type { HostStatus } from "../control/control-api.js";
import { runCommand } from "./command-in-memory.js";

/** How commands run that find each other in a directory, and no others. */
export interface CommandsTogether {
  readonly cwd: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** Commands that run in a directory, and find each other there. */
export function commandsIn({ path }: TemporaryDirectory): CommandsTogether {
  const environment = { ...process.env, RUNTIME_DIRECTORY: undefined, XDG_RUNTIME_DIR: path };
  return { cwd: path, environment };
}

/** What `servehttp status` says. */
export async function hostStatus(options: CommandsTogether): Promise<HostStatus> {
  const { stdout, stderr } = await runCommand(["status", "--json"], options);
  if (stdout === "") {
    throw new Error(stderr);
  }
  return JSON.parse(stdout) as HostStatus;
}
