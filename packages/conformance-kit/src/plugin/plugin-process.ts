import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { rmSync } from "node:fs";
import { mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { PluginAddress } from "../wire/plugin-address.js";

/** How much of what a plugin prints is kept, for messages. */
const outputBytesMax = 4_096;

/** A plugin that the kit has started, as a host starts one. */
export class PluginProcess implements AsyncDisposable {
  readonly address: PluginAddress;
  readonly token: string;
  readonly exited: Promise<string>;
  /** How it ended; undefined while it runs. */
  ended: string | undefined;
  static readonly #running = new Set<PluginProcess>();
  readonly #child: ChildProcess;
  readonly #directory: string;
  #output = "";

  private constructor(command: string, directory: string) {
    this.#directory = directory;
    this.token = randomBytes(18).toString("base64url");
    const path = join(directory, "plugin.sock");
    this.address = { text: `unix:${path}`, target: { path }, tls: false };
    // A group of its own, so that nothing of it is left behind.
    this.#child = spawn("/bin/sh", ["-c", `exec ${command}`], {
      // The fourth ends when the kit does, however that comes.
      stdio: ["ignore", "pipe", "pipe", "pipe"],
      detached: true,
      env: {
        ...process.env,
        SERVEHTTP_ADDRESS: this.address.text,
        SERVEHTTP_TOKEN: this.token,
        SERVEHTTP_PLUGIN_ID: "conformance",
        SERVEHTTP_BASE_PATH: "/plugins/conformance",
        SERVEHTTP_HOST_FD: "3",
      },
    });
    PluginProcess.#running.add(this);
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

  static async start(command: string): Promise<PluginProcess> {
    return new PluginProcess(command, await mkdtemp(join(tmpdir(), "servehttp-conformance-")));
  }

  /** Kills all of them at once, and removes their directories, for a kit that has to end. */
  static killAll(): void {
    for (const one of PluginProcess.#running) {
      one.#kill();
      rmSync(one.#directory, { recursive: true, force: true });
    }
  }

  /** What it printed last, in one line. */
  get output(): string {
    return this.#output.trim().replaceAll(/\s*\n\s*/g, " | ");
  }

  /** Sends it a signal, as whoever stops it does. */
  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  /** Its resident memory in bytes; undefined where the system does not say. */
  async memoryBytes(): Promise<number | undefined> {
    const status = await readFile(`/proc/${this.#child.pid}/status`, "utf8").catch(() => "");
    const kibibytes = /^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1];
    return kibibytes === undefined ? undefined : Number(kibibytes) * 1_024;
  }

  /** Whether its socket file is there. */
  async hasSocketFile(): Promise<boolean> {
    return await stat(join(this.#directory, "plugin.sock")).then(
      () => true,
      () => false,
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#kill();
    await this.exited;
    await rm(this.#directory, { recursive: true, force: true });
    PluginProcess.#running.delete(this);
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
