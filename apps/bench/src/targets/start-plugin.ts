import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { Child } from "../child.js";
import { nodeCommand } from "./node-command.js";

/** A plugin process on a unix socket in a directory of its own. */
export interface RunningPlugin extends AsyncDisposable {
  readonly directory: string;
  readonly socketPath: string;
  readonly pid: number;
}

/** Starts one of the bench's programs. */
export function startPlugin(program: string, execArgv?: readonly string[]): Promise<RunningPlugin> {
  return startPluginOf(program, nodeCommand(program, execArgv));
}

/** Starts a program that listens on the socket of its last argument, and then prints a line. */
export async function startPluginOf(
  name: string,
  command: readonly string[],
): Promise<RunningPlugin> {
  const directory = await mkdtemp(join(tmpdir(), "servehttp-bench-"));
  const socketPath = join(directory, "plugin.sock");
  await using stack = new AsyncDisposableStack();
  stack.defer(() => rm(directory, { recursive: true }));
  const plugin = stack.use(new Child(name, [...command, socketPath]));
  await plugin.line();
  const running = stack.move();
  return {
    directory,
    socketPath,
    pid: plugin.pid,
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}
