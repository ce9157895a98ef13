import { writeSync } from "node:fs";
import { logRetryMs, logWaitingBytesMax } from "../limits.js";

/**
 * Where the default logger writes. pino's own destination hangs the process on a full disk, and
 * sleeps while a pipe is full whose other end does not block (sonic-boom 4.2). This one goes on
 * without the record.
 */
export class StandardOutput {
  readonly #write: (text: Buffer) => number;
  /** Records that the system could not take yet. */
  #waiting: Buffer = Buffer.alloc(0);
  #timer: NodeJS.Timeout | undefined;
  #lost = 0;

  /** @param write Default: writes to descriptor 1 */
  constructor(write = (text: Buffer): number => writeSync(1, text)) {
    this.#write = write;
  }

  write(record: string): void {
    const text = Buffer.from(record);
    if (this.#waiting.length + text.length > logWaitingBytesMax) {
      this.#lost += 1;
      return;
    }
    this.#waiting = this.#waiting.length === 0 ? text : Buffer.concat([this.#waiting, text]);
    this.#flush();
  }

  /** Records that could not be written so far. */
  get lost(): number {
    return this.#lost;
  }

  #flush(): void {
    try {
      while (this.#waiting.length > 0) {
        this.#waiting = this.#waiting.subarray(this.#write(this.#waiting));
      }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "EAGAIN") {
        this.#retry();
      } else {
        // The disk is full, or nobody reads the pipe any more.
        this.#waiting = Buffer.alloc(0);
        this.#lost += 1;
      }
    }
  }

  #retry(): void {
    if (this.#timer === undefined) {
      this.#timer = setTimeout(() => {
        this.#timer = undefined;
        this.#flush();
      }, logRetryMs);
      this.#timer.unref();
    }
  }
}
