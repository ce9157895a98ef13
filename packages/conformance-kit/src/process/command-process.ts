import { type ChildProcess, spawn } from "node:child_process";

/** How much of what a program prints is kept, for messages. */
const outputBytesMax = 4_096;

/** A program that the kit has started. It does not outlive the kit. */
export class CommandProcess implements AsyncDisposable {
  readonly exited: Promise<string>;
  /** How it ended; undefined while it runs. */
  ended: string | undefined;
  static readonly #running = new Set<CommandProcess>();
  readonly #child: ChildProcess;
  readonly #cleanUp: () => void;
  #output = "";

  /**
   * @param command - one program with its arguments, as a shell splits them
   * @param env - what it gets in addition to the kit's own environment
   * @param cleanUp - removes what was made for it; is called when it has ended, or will at once
   */
  constructor(command: string, env: Readonly<Record<string, string>>, cleanUp: () => void) {
    this.#cleanUp = cleanUp;
    // A group of its own, so that nothing of it is left behind.
    this.#child = spawn("/bin/sh", ["-c", `exec ${command}`], {
      // The fourth ends when the kit does, however that comes.
      stdio: ["ignore", "pipe", "pipe", "pipe"],
      detached: true,
      env: { ...process.env, ...env },
    });
    CommandProcess.#running.add(this);
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.on("data", (data: Buffer) => {
        this.#output = (this.#output + data.toString("utf8")).slice(-outputBytesMax);
      });
    }
    this.exited = new Promise((resolve) => {
      const end = (text: string): void => {
        this.ended ??= text;
        resolve(text);
      };
      this.#child.once("error", (error) => end(error.message));
      this.#child.once("exit", (code, signal) => end(signal ?? `exit code ${String(code)}`));
    });
  }

  /** Kills all of them at once, and removes what was made for them, for a kit that has to end. */
  static killAll(): void {
    for (const one of CommandProcess.#running) {
      one.#kill();
      one.#cleanUp();
    }
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** What it printed last, in one line. */
  get output(): string {
    return this.#output.trim().replaceAll(/\s*\n\s*/g, " | ");
  }

  /** Sends it a signal, as whoever stops it does. */
  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#kill();
    await this.exited;
    this.#cleanUp();
    CommandProcess.#running.delete(this);
  }

  #kill(): void {
    if (this.#child.pid !== undefined) {
      try {
        process.kill(-this.#child.pid, "SIGKILL");
      } catch {
        // All of it has ended.
      }
    }
  }
}
