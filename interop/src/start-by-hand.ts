import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import type { UrlPluginOptions } from "@servehttp/host-bridge";

/** A plugin that is not started by its host. Disposing of it ends its process. */
export interface PluginByHand extends AsyncDisposable {
  /** How a host reaches it. */
  readonly options: Pick<UrlPluginOptions, "url" | "token">;
}

/** Starts a plugin that listens on that socket; resolves when it does. Throws where it ends instead. */
export async function startByHand(
  [program = "", ...args]: readonly string[],
  socketPath: string,
): Promise<PluginByHand> {
  const url = `unix:${socketPath}`;
  const token = randomBytes(16).toString("hex");
  const plugin = spawn(program, args, {
    stdio: "inherit",
    env: { ...process.env, SERVEHTTP_ADDRESS: url, SERVEHTTP_TOKEN: token },
  });
  const exited = once(plugin, "exit");
  while (!existsSync(socketPath)) {
    if (hasEnded(plugin)) {
      throw new Error(`${program} ended before it listened`);
    }
    await delay(20);
  }
  return {
    options: { url, token },
    async [Symbol.asyncDispose]() {
      plugin.kill("SIGKILL");
      await exited;
    },
  };
}

function hasEnded({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode !== null || signalCode !== null;
}
