import type { Logger } from "@servehttp/host-bridge";
import { sameTroubleMs } from "./limits.js";

/** Says the same trouble once in a while only, and once that it is over. */
export class TroubleLog {
  readonly #logger: Logger;
  readonly #details: Readonly<Record<string, unknown>>;
  readonly #nowMs: () => number;
  readonly #saidMs = new Map<string, number>();
  #isOpen = false;

  constructor(logger: Logger, details: Readonly<Record<string, unknown>>, nowMs: () => number) {
    this.#logger = logger;
    this.#details = details;
    this.#nowMs = nowMs;
  }

  /** @param kind what makes it the same trouble: one of a few */
  say(kind: string, message: string): void {
    const nowMs = this.#nowMs();
    const saidMs = this.#saidMs.get(kind);
    if (saidMs === undefined || nowMs - saidMs >= sameTroubleMs) {
      this.#saidMs.set(kind, nowMs);
      this.#isOpen = true;
      this.#logger.warn(this.#details, message);
    }
  }

  /** Says so where trouble was said since it was last over. */
  over(message: () => string): void {
    if (this.#isOpen) {
      this.#isOpen = false;
      this.#logger.info?.(this.#details, message());
    }
  }
}
