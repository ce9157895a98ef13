import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { ObservationServer } from "../observation/observation-server.js";
import type { Target } from "./target.js";

/** A host and the plugin of the tunnels. */
export interface TunnelTarget
  extends Pick<Target, "front" | "plugin" | "observation">, AsyncDisposable {
  readonly port: number;
}

/** Starts them, from this package's `dist`. */
export async function startTunnelTarget(carrier: "mux" | "stream"): Promise<TunnelTarget> {
  const observation = await ObservationServer.listen();
  const script = fileURLToPath(new URL("../../dist/processes/tunnel-host.js", import.meta.url));
  // Otherwise garbage fills a process up to some 60 MiB, on plain `node:net` as well.
  const flags = ["--expose-gc", "--max-semi-space-size=1"];
  const child = spawn(process.execPath, [...flags, script, observation.path, carrier], {
    stdio: ["ignore", "ignore", "inherit"],
  });
  const exited = once(child, "exit");
  const hello = await Promise.race([
    observation.process("host"),
    exited.then(([code]) => {
      throw new Error(`the host exited with ${String(code)} before it was ready`);
    }),
  ]);
  return {
    port: hello.detail as number,
    observation,
    front: () => observation.process("host"),
    plugin: () => observation.process("plugin"),
    async [Symbol.asyncDispose]() {
      // The processes end when the observation socket closes.
      await observation[Symbol.asyncDispose]();
      await exited;
    },
  };
}
