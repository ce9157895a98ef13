import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import type { GoApp } from "./build-go-sdk.js";

/** An application that net/http itself serves. Disposing of it ends its process. */
export interface ServedDirectly extends AsyncDisposable {
  readonly origin: string;
}

/** Starts an application as a server of its own. */
export async function serveDirectly(program: string, app: GoApp): Promise<ServedDirectly> {
  const server = spawn(program, [app, "--direct"], { stdio: ["ignore", "pipe", "ignore"] });
  const exited = once(server, "exit");
  const [port] = await Promise.race([
    once(createInterface(server.stdout), "line"),
    exited.then(([code]) => {
      throw new Error(`${app} ended with ${String(code)} before it listened`);
    }),
  ]);
  return {
    origin: `http://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      server.kill("SIGKILL");
      await exited;
    },
  };
}
