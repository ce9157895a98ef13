import { setImmediate } from "node:timers/promises";

import type { BenchExchange } from "./bench-exchange.js";

/** One event of 128 octets. The tilde stands nowhere else, so that whoever counts tildes counts events. */
const event = Buffer.from(`data: ~${"e".repeat(128 - 9)}\n\n`);

/** Publishes events to all subscribers, the next one when all of them have room for it. */
export class EventRoom {
  readonly #subscribers = new Set<BenchExchange>();
  #publishing: Promise<void> | undefined;

  /** Settles when the subscriber has left. */
  async join(exchange: BenchExchange): Promise<void> {
    const left = new Promise<void>((resolve) => exchange.onClose(resolve));
    this.#subscribers.add(exchange);
    this.#publishing ??= this.#publish();
    await left;
    this.#subscribers.delete(exchange);
  }

  async #publish(): Promise<void> {
    while (this.#subscribers.size > 0) {
      const waits: Promise<unknown>[] = [];
      for (const subscriber of this.#subscribers) {
        const room = subscriber.write(event);
        if (room !== undefined) {
          waits.push(room);
        }
      }
      // A write that fails is a subscriber who left: `join` takes it out.
      await Promise.allSettled(waits);
      await setImmediate();
    }
    this.#publishing = undefined;
  }
}
