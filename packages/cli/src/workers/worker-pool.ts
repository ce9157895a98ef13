import { availableParallelism } from "node:os";
import type { Socket } from "node:net";
import type { CollectedMetrics } from "@servehttp/admin/metrics";
import type { PluginHost } from "@servehttp/host-bridge";
import type { Logger } from "pino";
import type { HostFlags } from "../config/host-flags.js";
import type { CommandContext } from "../context/command-context.js";
import { failed } from "../context/command-error.js";
import { workerConnectionsMax } from "../limits.js";
import { afterWorkerEnd } from "./restart-delay.js";
import { WorkerMetrics } from "./worker-metrics.js";
import { WorkerProcess } from "./worker-process.js";

export interface WorkerPoolOptions {
  readonly count: number;
  /** What the workers read their settings with. */
  readonly flags: HostFlags;
  readonly host: Pick<PluginHost, "share">;
  readonly logger: Logger;
  readonly context: CommandContext;
  /** Takes a record of a worker's log. */
  readonly onLog: (record: string) => void;
  /** No worker is left, and none will be started. */
  readonly onGone: () => void;
}

/** One of the workers, in whatever process it is just now. */
interface Slot {
  /** Undefined between two processes, and where it was given up. */
  worker: WorkerProcess | undefined;
  /** When its processes have failed lately, in milliseconds. */
  failuresMs: readonly number[];
  startedMs: number;
  isGivenUp: boolean;
  timer: NodeJS.Timeout | undefined;
}

/** The processes that serve the connections of a host that is the supervisor of their plugins. */
export class WorkerPool {
  readonly #options: WorkerPoolOptions;
  readonly #slots: readonly Slot[];
  /** Connections that wait for the first worker. */
  readonly #waiting: (readonly [socket: Socket, listener: number])[] = [];
  readonly #metrics: WorkerMetrics;
  #next = 0;
  #isStopping = false;

  constructor(options: WorkerPoolOptions) {
    this.#options = options;
    this.#slots = Array.from({ length: options.count }, () => ({
      worker: undefined,
      failuresMs: [],
      startedMs: 0,
      isGivenUp: false,
      timer: undefined,
    }));
    this.#metrics = new WorkerMetrics(() => this.#present);
  }

  /** The workers, in a fixed order. */
  get workers(): readonly { readonly pid: number; readonly state: string }[] {
    return this.#slots.map(({ worker, isGivenUp }) => ({
      pid: worker?.pid ?? 0,
      state: worker?.state ?? (isGivenUp ? "failed" : "backing-off"),
    }));
  }

  /**
   * Starts all workers. Resolves when their plugins are connected, or have failed.
   *
   * @throws CommandError where one of them does not start
   */
  async start(): Promise<void> {
    const { count, logger } = this.#options;
    const processors = availableParallelism();
    if (count > processors) {
      logger.info({}, `${count} workers share ${processors} processors: more of them is no faster`);
    }
    await Promise.all(
      this.#slots.map(async (slot) => {
        const worker = this.#start(slot);
        if ((await worker.awaits("started")) === undefined && !this.#isStopping) {
          throw failed(`a worker does not start: ${worker.endText}`);
        }
      }),
    );
  }

  /** Gives a connection to the worker whose turn it is. */
  take(socket: Socket, listener: number): void {
    const worker = this.#nextWorker();
    if (worker !== undefined) {
      worker.take(socket, listener);
    } else if (this.#isStopping || this.#waiting.length >= workerConnectionsMax) {
      socket.destroy();
    } else {
      this.#waiting.push([socket, listener]);
    }
  }

  /** What all workers have measured, those that have ended among them. */
  collectMetrics(): Promise<readonly CollectedMetrics[]> {
    return this.#metrics.collect();
  }

  /** Lets all workers come to what the config says. One that can't is replaced by a new process. */
  async reload(): Promise<void> {
    await Promise.all(
      this.#present.map(async (worker) => {
        const answer = await worker.ask({ command: "reload" }, "reloaded");
        if (answer?.worker === "reloaded" && answer.error !== undefined) {
          const { logger } = this.#options;
          logger.error({ worker: worker.pid }, `a worker is replaced: ${answer.error}`);
          worker.leave({ command: "drain" });
        }
      }),
    );
  }

  /** Closes each connection of HTTP/1 with its next response; new ones are taken. */
  closeBehindResponses(): void {
    for (const worker of this.#present) {
      worker.tell({ command: "close-behind-responses" });
    }
  }

  /** Leaves new connections to another process. Resolves when no connection is open, or `ms` are over. */
  async retire(ms: number): Promise<void> {
    await Promise.all(
      this.#present.map((worker) => worker.ask({ command: "retire", ms }, "retired")),
    );
  }

  /**
   * Lets end what runs in all workers, or breaks it when `now` aborts. Resolves when they are gone,
   * with how many requests were broken.
   */
  async drain(now: AbortSignal): Promise<number> {
    this.#isStopping = true;
    for (const [socket] of this.#waiting.splice(0)) {
      socket.destroy();
    }
    const stop = (): void => this.#present.forEach((worker) => worker.leave({ command: "stop" }));
    for (const { timer, worker } of this.#slots) {
      clearTimeout(timer);
      worker?.leave({ command: now.aborted ? "stop" : "drain" });
    }
    now.addEventListener("abort", stop, { once: true });
    const present = this.#present;
    await Promise.all(present.map(({ ended }) => ended));
    now.removeEventListener("abort", stop);
    return present.reduce((sum, { broken }) => sum + broken, 0);
  }

  get #present(): readonly WorkerProcess[] {
    return this.#slots.flatMap(({ worker }) => worker ?? []);
  }

  #nextWorker(): WorkerProcess | undefined {
    const { length } = this.#slots;
    for (let step = 0; step < length; step += 1) {
      const at = (this.#next + step) % length;
      const worker = this.#slots[at]?.worker;
      if (worker?.state === "listening") {
        this.#next = at + 1;
        return worker;
      }
    }
    return undefined;
  }

  #start(slot: Slot): WorkerProcess {
    const { context, flags, host, onLog } = this.#options;
    slot.startedMs = performance.now();
    const worker = new WorkerProcess(JSON.stringify(flags), context, {
      onLog,
      onListening: () => this.#giveWaiting(),
      onEnd: () => this.#onEnd(slot, worker),
    });
    slot.worker = worker;
    host.share(worker.child);
    return worker;
  }

  #giveWaiting(): void {
    for (const [socket, listener] of this.#waiting.splice(0)) {
      this.take(socket, listener);
    }
  }

  #onEnd(slot: Slot, worker: WorkerProcess): void {
    const { logger, onGone } = this.#options;
    slot.worker = undefined;
    this.#metrics.keep(worker);
    if (this.#isStopping) {
      return;
    }
    const nowMs = performance.now();
    const { failuresMs, delayMs } = afterWorkerEnd(slot.failuresMs, nowMs, nowMs - slot.startedMs);
    slot.failuresMs = failuresMs;
    const details = { worker: worker.pid };
    if (delayMs === undefined) {
      slot.isGivenUp = true;
      const why = `${worker.endText}; it failed too often and is not started again`;
      logger.error(details, `a worker ended: ${why}; servehttp upgrade starts all anew`);
      if (this.#slots.every(({ isGivenUp }) => isGivenUp)) {
        onGone();
      }
    } else {
      logger.warn(details, `a worker ended: ${worker.endText}; it starts again in ${delayMs} ms`);
      slot.timer = setTimeout(() => this.#start(slot), delayMs);
    }
  }
}
