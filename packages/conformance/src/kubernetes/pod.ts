import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { ended } from "./test-cluster.js";

/** The port of every pod. */
export const podPort = 50_051;

/** A plugin's process at an address of its own, as a pod has one. */
export class Pod implements AsyncDisposable {
  readonly address: string;
  readonly #process: ChildProcess;

  private constructor(address: string, child: ChildProcess) {
    this.address = address;
    this.#process = child;
  }

  /**
   * Starts a plugin that answers its address.
   *
   * @param number which address: 192.0.2.0/24 is for examples, and the network has nobody else
   */
  static async start(program: string, number: number): Promise<Pod> {
    const address = `192.0.2.${number}`;
    execFileSync("ip", ["addr", "add", `${address}/32`, "dev", "lo"]);
    const child = spawn(process.execPath, [program, "--listen", `${address}:${podPort}`], {
      stdio: ["ignore", "pipe", "inherit"],
      env: { ...process.env, POD_ADDRESS: address },
    });
    for await (const line of createInterface({ input: child.stdout })) {
      if (line === "ready") {
        child.stdout.resume();
        return new Pod(address, child);
      }
    }
    throw new Error(`the plugin at ${address} has ended`);
  }

  /** Ends it as Kubernetes does. Resolves when it has ended. */
  async end(): Promise<void> {
    await ended(this.#process, "SIGTERM");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await ended(this.#process, "SIGKILL");
  }
}
