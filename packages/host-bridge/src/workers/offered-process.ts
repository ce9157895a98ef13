import type { ServeHTTPError } from "@servehttp/contract";
import { workersConnectMs, workersLeaveMs } from "../limits.js";
import type { OfferedProcessFacts } from "../plugin/make-instances.js";
import type { ProcessNews, UsersElsewhere } from "../plugin/supervised-plugin.js";
import type { Clock } from "../process/clock.js";

/** What a process needs of those whom it is offered to. */
export interface OfferedProcessOptions {
  readonly key: string;
  readonly facts: OfferedProcessFacts;
  readonly clock: Clock;
  /** Tells all workers of it as it is now. */
  readonly onChange: () => void;
  /** Tells all workers that what runs on it has had its time. */
  readonly onGiveUp: (tunnels: boolean, reason: ServeHTTPError) => void;
  readonly onClosed: () => void;
}

/** Who is connected to a process, or was asked to be. */
type Use = "asked" | "used" | "failed" | "tunnels-left";

/** A process of a plugin that workers are connected to. */
export class OfferedProcess implements UsersElsewhere {
  readonly key: string;
  readonly facts: OfferedProcessFacts;
  readonly #options: OfferedProcessOptions;
  readonly #uses = new Map<object, Use>();
  #isLeaving = false;
  #isClosed = false;
  /** Called at each change of the uses. */
  #onUse: () => void = () => undefined;

  constructor(options: OfferedProcessOptions) {
    this.key = options.key;
    this.facts = options.facts;
    this.#options = options;
  }

  /** Whether it gets nothing new. */
  get isLeaving(): boolean {
    return this.#isLeaving;
  }

  /** A worker is told of it. */
  ask(worker: object): void {
    if (!this.#uses.has(worker) && !this.#isLeaving) {
      this.#uses.set(worker, "asked");
    }
  }

  /** What a worker says of it. */
  hear(worker: object, news: ProcessNews): void {
    if (news === "left") {
      this.#uses.delete(worker);
    } else {
      this.#uses.set(worker, news === "connected" ? "used" : news);
    }
    this.#onUse();
  }

  /** A worker is gone. */
  forget(worker: object): void {
    this.#uses.delete(worker);
    this.#onUse();
  }

  /** Resolves when each worker is connected to it or says why not, or has had its time. */
  async taken(signal: AbortSignal): Promise<void> {
    const over = new AbortController();
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#onUse = () => {
      if (!this.#has("asked")) {
        resolve();
      }
    };
    signal.addEventListener("abort", () => resolve(), { once: true, signal: over.signal });
    this.#options.clock.after(workersConnectMs, over.signal, resolve);
    this.#onUse();
    await promise;
    over.abort();
  }

  async drain(
    giveUp: AbortSignal,
    giveUpTunnels: AbortSignal,
    onTunnelsLeft: () => void,
  ): Promise<void> {
    this.#isLeaving = true;
    if (this.#uses.size === 0 || this.#isClosed) {
      return;
    }
    const { clock, onChange, onGiveUp } = this.#options;
    const over = new AbortController();
    const { promise, resolve } = Promise.withResolvers<void>();
    let wasTold = false;
    this.#onUse = () => {
      if (this.#uses.size === 0) {
        resolve();
      } else if (!wasTold && [...this.#uses.values()].every((use) => use === "tunnels-left")) {
        wasTold = true;
        onTunnelsLeft();
      }
    };
    onChange();
    onAbort(giveUp, over.signal, () => onGiveUp(false, giveUp.reason as ServeHTTPError));
    onAbort(giveUpTunnels, over.signal, () => {
      onGiveUp(true, giveUpTunnels.reason as ServeHTTPError);
      clock.after(workersLeaveMs, over.signal, resolve);
    });
    await promise;
    over.abort();
  }

  close(): void {
    if (!this.#isClosed) {
      this.#isClosed = true;
      this.#uses.clear();
      this.#onUse();
      this.#options.onClosed();
    }
  }

  #has(use: Use): boolean {
    return [...this.#uses.values()].includes(use);
  }
}

/** Calls back when a signal aborts, or now where it has, unless it is over before. */
function onAbort(signal: AbortSignal, over: AbortSignal, callback: () => void): void {
  if (signal.aborted) {
    callback();
  } else {
    signal.addEventListener("abort", callback, { once: true, signal: over });
  }
}
