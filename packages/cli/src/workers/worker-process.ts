import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import type { Socket } from "node:net";
import { fileURLToPath } from "node:url";
import type { CollectedMetrics } from "@servehttp/admin/metrics";
import type { CommandContext } from "../context/command-context.js";
import { passedSockets } from "../listen/passed-sockets.js";
import { commandMessage, type FromWorker, type ToWorker } from "./worker-messages.js";

const program = fileURLToPath(new URL("../worker-bin.js", import.meta.url));

/** What is done with what a worker says. */
export interface WorkerEvents {
  /** It takes connections. */
  readonly onListening: (worker: WorkerProcess) => void;
  readonly onLog: (record: string) => void;
  /** It is gone. */
  readonly onEnd: (worker: WorkerProcess) => void;
}

/** A process that serves connections of the command. */
export class WorkerProcess {
  readonly child: ChildProcess;
  /** Settles when it is gone. */
  readonly ended: Promise<unknown>;
  readonly #waiting = new Map<FromWorker["worker"], (message: FromWorker | undefined) => void>();
  #state: "starting" | "listening" | "leaving" | "ended" = "starting";
  #failure: string | undefined;
  #broken = 0;
  #metrics: CollectedMetrics = { metrics: [] };

  /** @param args what its settings are read with */
  constructor(args: string, context: CommandContext, events: WorkerEvents) {
    const { cwd, environment } = context;
    this.child = fork(program, [args], {
      cwd,
      env: workerEnvironment(environment),
      execArgv: workerFlags(process.execArgv, environment["NODE_OPTIONS"] ?? ""),
      stdio: ["ignore", "inherit", "inherit", "ipc"],
    });
    this.child.on("message", (message) => {
      const told = commandMessage(message, "worker");
      if (told !== undefined) {
        this.#hear(told, events);
      }
    });
    // By "close": what it has sent before it ended has come by then. "error" where it never began.
    this.ended = Promise.race([
      new Promise((resolve) => this.child.once("close", resolve)),
      once(this.child, "error").then(([error]) => {
        this.#failure = (error as Error).message;
      }),
    ]).finally(() => {
      this.#state = "ended";
      for (const settle of this.#waiting.values()) {
        settle(undefined);
      }
      events.onEnd(this);
    });
    this.child.on("error", () => undefined);
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  get state(): "starting" | "listening" | "leaving" | "ended" {
    return this.#state;
  }

  /** How many requests it has broken because it was told to stop. */
  get broken(): number {
    return this.#broken;
  }

  /** What it has measured, as it said last. */
  get metrics(): CollectedMetrics {
    return this.#metrics;
  }

  /** How it came to its end, in words. */
  get endText(): string {
    const { exitCode, signalCode } = this.child;
    const how =
      signalCode === null ? `it exited with code ${exitCode}` : `it was ended by ${signalCode}`;
    return this.#failure ?? how;
  }

  /** Gives it a client's connection. Where that fails, the connection is closed. */
  take(socket: Socket, listener: number): void {
    const message: ToWorker = { command: "connection", listener };
    this.child.send(message, socket, { keepOpen: false }, (error) => {
      if (error !== null) {
        socket.destroy();
      }
    });
  }

  /** Asks it for something. Resolves with its answer; undefined: it ended before. */
  async ask(message: ToWorker, answer: FromWorker["worker"]): Promise<FromWorker | undefined> {
    const answered = this.awaits(answer);
    this.tell(message);
    return await answered;
  }

  /** Resolves when it says this; with undefined where it ends before. */
  awaits(what: FromWorker["worker"]): Promise<FromWorker | undefined> {
    return this.#state === "ended"
      ? Promise.resolve(undefined)
      : new Promise((resolve) => this.#waiting.set(what, resolve));
  }

  /** Gets no connection any more, and is told so. */
  leave(message: ToWorker): void {
    if (this.#state !== "ended") {
      this.#state = "leaving";
      this.tell(message);
    }
  }

  tell(message: ToWorker): void {
    if (this.child.connected) {
      this.child.send(message, () => undefined);
    }
  }

  kill(): void {
    this.child.kill("SIGKILL");
  }

  #hear(told: FromWorker, { onListening, onLog }: WorkerEvents): void {
    switch (told.worker) {
      case "listening":
        if (this.#state === "starting") {
          this.#state = "listening";
          onListening(this);
        }
        break;
      case "log":
        onLog(told.record);
        break;
      case "failed":
        this.#failure = told.message;
        break;
      case "leaving":
        this.#state = "leaving";
        break;
      case "breaking":
        this.#broken = told.inFlight;
        break;
      case "metrics":
        this.#metrics = told.metrics ?? this.#metrics;
        break;
      case "started":
      case "reloaded":
      case "retired":
    }
    this.#waiting.get(told.worker)?.(told);
    this.#waiting.delete(told.worker);
  }
}

/** It reads the same settings: also where its parent's come from the sockets that systemd passed. */
function workerEnvironment(environment: CommandContext["environment"]): NodeJS.ProcessEnv {
  const { length } = passedSockets(environment);
  return {
    ...environment,
    LISTEN_PID: undefined,
    LISTEN_FDS: length > 0 ? String(length) : undefined,
    SERVEHTTP_UPGRADE: length > 0 ? "1" : undefined,
  };
}

/**
 * The flags of the command's own process, and a young generation that stays small unless they say
 * how large it is: otherwise loading what a worker needs alone makes it 14 MiB larger for good.
 */
export function workerFlags(own: readonly string[], nodeOptions: string): string[] {
  const saysSize = /--(max-|min-)?semi-space-size|--scavenger-max-new-space-capacity-mb/;
  const isSaid = [...own, nodeOptions].some((text) => saysSize.test(text.replaceAll("_", "-")));
  return isSaid ? [...own] : [...own, "--max-semi-space-size=1"];
}
