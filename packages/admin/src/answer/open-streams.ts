import { streamPulseMs, streamsMax } from "../limits.js";
import { CallProblem } from "./call-problem.js";
import { EventStream } from "./event-stream.js";
import type { AdminResponse } from "./node-types.js";

/** The event streams that are open. */
export class OpenStreams {
  readonly #open = new Set<EventStream>();
  #timer: NodeJS.Timeout | undefined;

  /**
   * Opens a stream.
   *
   * @param onClose called once, when it is closed by either side
   * @throws CallProblem where there are too many
   */
  open(response: AdminResponse, onClose: () => void): EventStream {
    if (this.#open.size >= streamsMax) {
      const detail = `there are ${streamsMax} event streams already; close one`;
      throw new CallProblem("too-many-streams", detail, {}, { "retry-after": "5" });
    }
    const stream = new EventStream(response);
    this.#open.add(stream);
    this.#timer ??= setInterval(() => {
      for (const one of this.#open) {
        one.pulse();
      }
    }, streamPulseMs).unref();
    response.once("close", () => {
      this.#open.delete(stream);
      if (this.#open.size === 0) {
        clearInterval(this.#timer);
        this.#timer = undefined;
      }
      onClose();
    });
    return stream;
  }

  /** Ends all of them. */
  end(): void {
    for (const stream of this.#open) {
      stream.end();
    }
  }
}
