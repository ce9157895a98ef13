import { closeSync, fstatSync, openSync, statSync, writeSync } from "node:fs";
import { ServeHTTPError } from "@servehttp/contract";
import { logFileCheckMs, logWaitingBytesMax } from "../limits.js";
import { StandardOutput } from "../options/standard-output.js";

/** Where lines go. */
export interface LogDestination {
  /**
   * Takes whole lines, which it may not keep. Returns false where they are lost. Never throws.
   */
  write(lines: Buffer): boolean;
  close(): void;
}

/**
 * Opens the place where an access log goes.
 *
 * @param to a file's path, or an object that takes text; undefined: standard output
 * @throws ServeHTTPError `invalid-argument` for a file that can't be opened
 */
export function openDestination(
  to: string | { write(text: string): unknown } | undefined,
): LogDestination {
  if (to === undefined) {
    const output = new StandardOutput();
    return {
      write: (lines) => {
        const lostBefore = output.lost;
        output.write(lines.toString());
        return output.lost === lostBefore;
      },
      close: () => undefined,
    };
  }
  return typeof to === "string" ? new LogFile(to) : givenDestination(to);
}

/** An object of the application's: a stream that nobody reads gets nothing more. */
function givenDestination(to: { write(text: string): unknown }): LogDestination {
  return {
    write: (lines) => {
      const { writableLength = 0 } = to as { readonly writableLength?: number };
      if (writableLength > logWaitingBytesMax) {
        return false;
      }
      try {
        to.write(lines.toString());
        return true;
      } catch {
        return false;
      }
    },
    close: () => undefined,
  };
}

/**
 * A file to which lines are appended. Where another program has moved it away, as logrotate does, or
 * removed it, a new one is made within `logFileCheckMs`.
 */
class LogFile implements LogDestination {
  readonly #path: string;
  #descriptor: number | undefined;
  #inode = 0n;
  #checkedMs = 0;

  constructor(path: string) {
    this.#path = path;
    try {
      this.#open();
    } catch (thrown) {
      const { message } = thrown as Error;
      throw new ServeHTTPError(
        "invalid-argument",
        `accessLog.to: ${JSON.stringify(path)} can't be opened to append to it: ${message}`,
        { cause: thrown },
      );
    }
  }

  write(lines: Buffer): boolean {
    try {
      const descriptor = this.#opened();
      for (let at = 0; at < lines.length;) {
        at += writeSync(descriptor, lines, at);
      }
      return true;
    } catch {
      // The disk is full, or the directory is gone.
      return false;
    }
  }

  close(): void {
    if (this.#descriptor !== undefined) {
      closeSync(this.#descriptor);
      this.#descriptor = undefined;
    }
  }

  /** The file that has the path now. */
  #opened(): number {
    const nowMs = performance.now();
    if (this.#descriptor !== undefined && nowMs - this.#checkedMs >= logFileCheckMs) {
      this.#checkedMs = nowMs;
      const there = statSync(this.#path, { bigint: true, throwIfNoEntry: false });
      if (there?.ino !== this.#inode) {
        this.close();
      }
    }
    return this.#descriptor ?? this.#open();
  }

  #open(): number {
    const descriptor = openSync(this.#path, "a", 0o640);
    this.#descriptor = descriptor;
    this.#inode = fstatSync(descriptor, { bigint: true }).ino;
    this.#checkedMs = performance.now();
    return descriptor;
  }
}
