import type { Logger } from "@servehttp/contract";
import { logFlushMs, logLinesBytesMax, sayAgainMs } from "../limits.js";
import type { LogDestination } from "./log-destination.js";

/** The most bytes that a character of a string takes in UTF-8. */
const utf8BytesMax = 3;

/**
 * Collects the lines of `logFlushMs` and writes them at once: under load, a write for each line would
 * cost more than all else that is done for it. They are collected as bytes, because strings that are
 * put together keep their pieces, which the garbage collector would have to move. What is left is
 * written when the process exits.
 */
export class LineWriter {
  readonly #destination: LogDestination;
  readonly #logger: Pick<Required<Logger>, "warn">;
  readonly #lines = Buffer.allocUnsafeSlow(logLinesBytesMax);
  #bytes = 0;
  #count = 0;
  #timer: NodeJS.Timeout | undefined;
  #lost = 0;
  #saidMs = Number.NEGATIVE_INFINITY;

  /** @param logger is told, once a minute at most, how many lines were lost */
  constructor(destination: LogDestination, logger: Pick<Required<Logger>, "warn">) {
    this.#destination = destination;
    this.#logger = logger;
  }

  /** @param line with the line break behind it */
  write(line: string): void {
    const bytesMax = line.length * utf8BytesMax;
    if (this.#bytes + bytesMax > logLinesBytesMax) {
      this.flush();
      if (bytesMax > logLinesBytesMax) {
        this.#send(Buffer.from(line), 1);
        return;
      }
    }
    this.#bytes += this.#lines.write(line, this.#bytes);
    this.#count += 1;
    if (this.#timer === undefined) {
      this.#timer = setTimeout(this.#onTime, logFlushMs);
      process.once("exit", this.#onTime);
    }
  }

  /** Writes what has been collected. */
  flush(): void {
    if (this.#timer === undefined) {
      return;
    }
    clearTimeout(this.#timer);
    this.#timer = undefined;
    process.off("exit", this.#onTime);
    const bytes = this.#bytes;
    const count = this.#count;
    this.#bytes = 0;
    this.#count = 0;
    this.#send(this.#lines.subarray(0, bytes), count);
  }

  close(): void {
    this.flush();
    this.#destination.close();
  }

  readonly #onTime = (): void => this.flush();

  #send(lines: Buffer, count: number): void {
    if (!this.#destination.write(lines)) {
      this.#lost += count;
      this.#tellOfLost();
    }
  }

  #tellOfLost(): void {
    const nowMs = performance.now();
    if (nowMs - this.#saidMs >= sayAgainMs) {
      this.#saidMs = nowMs;
      this.#logger.warn({ lines: this.#lost }, "lines of the access log could not be written");
    }
  }
}
