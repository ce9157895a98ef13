import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import type { HostReport } from "./host-process.js";

/** A signal that the run sent to a plugin. */
export interface SentSignal {
  readonly plugin: string;
  readonly pid: number;
  readonly signal: "SIGTERM" | "SIGKILL";
  readonly atMs: number;
  /** When the host had another process, once it has. */
  replacedMs?: number;
}

/** A process of a plugin that is gone, without a signal of ours. */
export interface UnaskedEnd {
  readonly plugin: string;
  readonly pid: number;
  readonly atMs: number;
}

/** The host's process as its parent sees it: the port, its plugins' processes, what it logs. */
export class RunningHost {
  readonly signals: SentSignal[] = [];
  readonly unaskedEnds: UnaskedEnd[] = [];
  /** How often the host logged a thing, by level and text. */
  readonly log = new Map<string, number>();
  /** Aborts where the host's process ends before it is asked to. */
  readonly gone: AbortSignal;
  readonly #child: ChildProcess;
  readonly #pids = new Map<string, number>();
  #report: HostReport;

  private constructor(child: ChildProcess, report: HostReport) {
    this.#child = child;
    this.#report = report;
    const gone = new AbortController();
    this.gone = gone.signal;
    child.on("exit", (code, signal) => {
      gone.abort(new Error(`the host's process ended: ${signal ?? code}`));
    });
    child.on("message", (next: HostReport) => this.#note(next));
    this.#note(report);
    void this.#readLog(child.stdout);
  }

  /** Starts it with the plugins by their commands; resolves when each of them is ready. */
  static async start(commands: Readonly<Record<string, readonly string[]>>): Promise<RunningHost> {
    const script = fileURLToPath(new URL("host-process.js", import.meta.url));
    const child = fork(script, [JSON.stringify(commands)], {
      stdio: ["ignore", "pipe", "inherit", "ipc"],
    });
    const [report] = (await once(child, "message")) as [HostReport];
    return new RunningHost(child, report);
  }

  get port(): number {
    return this.#report.port;
  }

  get plugins(): readonly string[] {
    return this.#report.plugins.map(({ id }) => id);
  }

  /** Sends a signal to the process that a plugin has now. Returns whether there is one. */
  signal(plugin: string, signal: SentSignal["signal"]): boolean {
    const pid = this.#pids.get(plugin);
    if (pid === undefined || this.signals.some((sent) => sent.pid === pid)) {
      return false;
    }
    this.signals.push({ plugin, pid, signal, atMs: performance.now() });
    process.kill(pid, signal);
    return true;
  }

  /** Whether a signal of ours went to a plugin in between. */
  signalledBetween(
    plugin: string,
    signal: SentSignal["signal"],
    fromMs: number,
    toMs: number,
  ): boolean {
    return this.signals.some(
      (sent) =>
        sent.plugin === plugin &&
        sent.signal === signal &&
        sent.atMs >= fromMs &&
        sent.atMs <= toMs,
    );
  }

  /** Whether a request that began at a time and fails now ran on a process that we killed, as far as the host could know. */
  wasKilled(plugin: string, beganMs: number): boolean {
    return this.signals.some(
      (sent) =>
        sent.plugin === plugin &&
        sent.signal === "SIGKILL" &&
        beganMs <= (sent.replacedMs ?? Number.POSITIVE_INFINITY),
    );
  }

  async stop(): Promise<void> {
    if (!this.gone.aborted) {
      this.#child.send("stop");
      await once(this.#child, "exit");
    }
  }

  #note(report: HostReport): void {
    this.#report = report;
    for (const { id, pid } of report.plugins) {
      const before = this.#pids.get(id);
      if (pid === undefined || before === pid) {
        continue;
      }
      this.#pids.set(id, pid);
      const sent = this.signals.find((one) => one.pid === before);
      if (sent !== undefined) {
        sent.replacedMs = performance.now();
      } else if (before !== undefined) {
        this.unaskedEnds.push({ plugin: id, pid: before, atMs: performance.now() });
      }
    }
  }

  async #readLog(output: Readable | null): Promise<void> {
    if (output === null) {
      return;
    }
    for await (const line of createInterface({ input: output })) {
      const { level, plugin, msg, code, reason, err } = JSON.parse(line);
      if (level >= 40) {
        const text = [plugin, msg, code, reason, err?.message].filter(Boolean).join(": ");
        const known = text.replaceAll(/\d{3,}/g, "N").slice(0, 200);
        this.log.set(known, (this.log.get(known) ?? 0) + 1);
      }
    }
  }
}
