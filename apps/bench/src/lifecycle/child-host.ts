import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

/** A host in a process of its own, started by a shell command. */
export class ChildHost implements AsyncDisposable {
  readonly port: number;
  readonly pluginPid: number;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, port: number, pluginPid: number) {
    this.#child = child;
    this.port = port;
    this.pluginPid = pluginPid;
  }

  /** @param shell what a shell does with the host's command, which is `"$@"` there */
  static async start(shell: string, command: readonly string[]): Promise<ChildHost> {
    const child = spawn("/bin/sh", ["-c", shell, "sh", ...command], {
      stdio: ["ignore", "ignore", "pipe"],
    });
    const [line] = (await once(createInterface({ input: child.stderr }), "line")) as [string];
    const { port, pluginPid } = JSON.parse(line) as { port: number; pluginPid: number };
    return new ChildHost(child, port, pluginPid);
  }

  /** Ends it by SIGTERM. Resolves with how it ended; undefined: not within `ms`. */
  async stop(ms: number): Promise<string | undefined> {
    const exited = once(this.#child, "exit") as Promise<[number | null, string | null]>;
    this.#child.kill("SIGTERM");
    const timer = setTimeout(() => this.#child.emit("exit", null, null), ms);
    const [code, signal] = await exited;
    clearTimeout(timer);
    return code === null ? (signal ?? undefined) : `code ${code}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      const exited = once(this.#child, "exit");
      this.#child.kill("SIGKILL");
      await exited;
    }
  }
}
