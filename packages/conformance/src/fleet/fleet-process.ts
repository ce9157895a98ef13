import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const program = fileURLToPath(new URL("../../dist/fleet/fleet-plugin.js", import.meta.url));

/** A process of `fleet-plugin.ts`, with instances of a plugin at one port of several addresses. */
export class FleetProcess implements AsyncDisposable {
  readonly port: number;
  readonly #process: ChildProcess;

  private constructor(port: number, process: ChildProcess) {
    this.port = port;
    this.#process = process;
  }

  /** @param port 0: a free one */
  static async start(addresses: readonly string[], port = 0): Promise<FleetProcess> {
    const child = spawn(process.execPath, [program, String(port), ...addresses], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    for await (const line of createInterface(child.stdout)) {
      return new FleetProcess(Number(line), child);
    }
    throw new Error(`the instances at ${addresses.join(", ")} did not start`);
  }

  /** SIGTERM lets it end as it does at its host's; the others are what may happen to it. */
  signal(name: "SIGTERM" | "SIGKILL" | "SIGSTOP" | "SIGCONT"): void {
    this.#process.kill(name);
  }

  /** Resolves when it has ended. */
  async ended(): Promise<void> {
    if (this.#process.exitCode === null && this.#process.signalCode === null) {
      await once(this.#process, "exit");
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.signal("SIGKILL");
    await this.ended();
  }
}
