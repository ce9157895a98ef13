import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { repositoryRoot } from "./repository-root.js";

/** The `servehttp` command with one plugin, which is ready. Disposing of it ends it. */
export interface CommandProcess extends AsyncDisposable {
  /** Where the plugin is, with a slash at the end. */
  readonly pluginUrl: string;
}

const command = `${repositoryRoot}packages/cli/dist/bin.js`;

/** Runs `servehttp` to its end. Resolves with its exit code. */
export async function runCommand(args: readonly string[], cwd: string): Promise<unknown> {
  const child = spawn(process.execPath, [command, ...args], { cwd, stdio: "inherit" });
  const [exitCode] = await once(child, "exit");
  return exitCode;
}

/** Serves a plugin by its target, on a free port. Throws where it does not start. */
export async function servePluginOf(
  target: string,
  cwd: string,
  env: Readonly<Record<string, string>> = {},
): Promise<CommandProcess> {
  const args = [command, "--port", "0", "--plugin", `notes=${target}`];
  const child = spawn(process.execPath, args, {
    cwd,
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const exited = once(child, "exit");
  for await (const line of createInterface(child.stdout)) {
    const pluginUrl = /^notes {2}READY {3}(\S+)$/.exec(line)?.[1];
    if (pluginUrl !== undefined) {
      child.stdout.resume();
      return {
        pluginUrl,
        async [Symbol.asyncDispose]() {
          child.kill("SIGTERM");
          await exited;
        },
      };
    }
  }
  throw new Error(`servehttp ended with ${String((await exited)[0])}`);
}
