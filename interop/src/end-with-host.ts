import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "vitest";

/** How a plugin ended. */
export interface PluginEnd {
  /** Its exit code, and the signal that ended it. */
  readonly exit: readonly unknown[];
  /** What it has left in the folder of its socket. */
  readonly files: readonly string[];
}

/** Starts a plugin as a host does, and closes the host's end of its descriptor, as when that dies. */
export async function endWithHost(
  command: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<PluginEnd> {
  const sockets = await mkdtemp(join(tmpdir(), "servehttp-end-"));
  const address = `unix:${sockets}/plugin.sock`;
  const [program = "", ...args] = command;
  const plugin = spawn(program, args, {
    stdio: ["ignore", "ignore", "inherit", "pipe"],
    env: { ...process.env, ...env, SERVEHTTP_ADDRESS: address, SERVEHTTP_HOST_FD: "3" },
  });
  try {
    const exited = once(plugin, "exit");
    // It listens, so it has looked at the descriptor.
    await expect.poll(() => readdir(sockets), { timeout: 15_000 }).toEqual(["plugin.sock"]);
    plugin.stdio[3]?.destroy();
    return { exit: await exited, files: await readdir(sockets) };
  } finally {
    plugin.kill("SIGKILL");
    await rm(sockets, { recursive: true });
  }
}
