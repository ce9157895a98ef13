import type { Logger } from "@servehttp/contract";
import { logLinesBytesMax, sayAgainMs } from "../limits.js";
import type { LogDestination } from "./log-destination.js";

/**
 * Collects the lines of one turn of the event loop and writes them at once: under load, a write for
 * each line would cost more than all else that is done for it.
 */
export class LineWriter {
  readonly #destination: LogDestination;
  readonly #logger: Pick<Required<Logger>, "warn">;
  #lines = "";
  #count = 0;
  #isScheduled = false;
  #lost = 0;
  #saidMs = Number.NEGATIVE_INFINITY;

  /** @param logger is told, once a minute at most, how many lines were lost */
  constructor(destination: LogDestination, logger: Pick<Required<Logger>, "warn">) {
    this.#destination = destination;
    this.#logger = logger;
  }

  /** @param line with the line break behind it */
  write(line: string): void {
    this.#lines += line;
    this.#count += 1;
    if (this.#lines.length >= logLinesBytesMax) {
      this.flush();
    } else if (!this.#isScheduled) {
      this.#isScheduled = true;
      setImmediate(() => {
        this.#isScheduled = false;
        this.flush();
      });
    }
  }

  /** Writes what has been collected. */
  flush(): void {
    const lines = this.#lines;
    if (lines === "") {
      return;
    }
    const count = this.#count;
    this.#lines = "";
    this.#count = 0;
    if (!this.#destination.write(lines)) {
      this.#lost += count;
      this.#tellOfLost();
    }
  }

  close(): void {
    this.flush();
    this.#destination.close();
  }

  #tellOfLost(): void {
    const nowMs = performance.now();
    if (nowMs - this.#saidMs >= sayAgainMs) {
      this.#saidMs = nowMs;
      this.#logger.warn({ lines: this.#lost }, "lines of the access log could not be written");
    }
  }
}
