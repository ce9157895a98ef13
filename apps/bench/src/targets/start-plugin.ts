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

export async function startPlugin(
  program: string,
  execArgv?: readonly string[],
): Promise<RunningPlugin> {
  const directory = await mkdtemp(join(tmpdir(), "servehttp-bench-"));
  const socketPath = join(directory, "plugin.sock");
  await using stack = new AsyncDisposableStack();
  stack.defer(() => rm(directory, { recursive: true }));
  const plugin = stack.use(new Child(program, [...nodeCommand(program, execArgv), socketPath]));
  await plugin.line();
  const running = stack.move();
  return {
    directory,
    socketPath,
    pid: plugin.pid,
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}
