import type { Logger } from "@servehttp/contract";
import { logFlushMs, logLinesBytesMax, sayAgainMs } from "../limits.js";
import { LineBytes } from "./line-bytes.js";
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
  readonly #lines = new LineBytes(logLinesBytesMax);
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
    const bytes = this.begin(line.length * utf8BytesMax);
    bytes.text(line);
    this.end(bytes);
  }

  /**
   * Where a line goes that takes at most so many bytes, its line break among them. `end` comes before
   * anything else.
   */
  begin(bytesMax: number): LineBytes {
    if (this.#lines.room < bytesMax) {
      this.flush();
    }
    return this.#lines.room < bytesMax ? new LineBytes(bytesMax) : this.#lines;
  }

  /** @param line that `begin` has given, with the line in it */
  end(line: LineBytes): void {
    if (line !== this.#lines) {
      this.#send(line.written, 1);
      return;
    }
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
    const { written } = this.#lines;
    const count = this.#count;
    this.#lines.clear();
    this.#count = 0;
    this.#send(written, count);
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
