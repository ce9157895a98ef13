import {
  outputLineBytesMax,
  outputLinesBurstMax,
  outputLinesPerSecondMax,
  outputTailBytesMax,
} from "../limits.js";

/** Takes what a stream's lines come to. */
export interface LineSink {
  /** A line as it came, without its end. `cut`: it was longer, and the rest is dropped. */
  line(text: string, cut: boolean): void;
  /** This many lines were not passed on, because they came too fast. */
  dropped(lines: number): void;
}

/**
 * Cuts a plugin's output into lines for the log. It takes everything that comes, keeps at most one
 * line of 8 KiB and the tail, and passes on at most 1,000 lines a second. A plugin that prints too
 * much loses lines; it never waits.
 */
export class OutputLines {
  readonly #sink: LineSink;
  readonly #nowMs: () => number;
  /** The beginning of a line whose end has not come. */
  #begun: Buffer[] = [];
  #begunBytes = 0;
  /** The beginning of this line was passed on. The rest of it is dropped. */
  #skipping = false;
  #tail: Buffer = Buffer.alloc(0);
  #allowance = outputLinesBurstMax;
  #allowanceAtMs: number;
  #dropped = 0;

  /** @param nowMs a clock that doesn't go back */
  constructor(sink: LineSink, nowMs: () => number) {
    this.#sink = sink;
    this.#nowMs = nowMs;
    this.#allowanceAtMs = nowMs();
  }

  push(chunk: Buffer): void {
    this.#keepTail(chunk);
    let from = 0;
    for (;;) {
      const end = chunk.indexOf(0x0a, from);
      if (end < 0) {
        break;
      }
      this.#take(chunk.subarray(from, end));
      this.#endLine();
      from = end + 1;
    }
    this.#take(chunk.subarray(from));
  }

  /** The stream has ended: passes on a last line without an end. */
  end(): void {
    if (this.#begunBytes > 0) {
      this.#endLine();
    }
    this.#tellDropped();
  }

  /** The last lines as they came, oldest first; 2 KiB at the most. */
  tail(): readonly string[] {
    return this.#tail
      .toString("utf8")
      .split("\n")
      .map(withoutReturn)
      .filter((line) => line.trim() !== "");
  }

  #take(piece: Buffer): void {
    if (this.#skipping || piece.length === 0) {
      return;
    }
    const room = outputLineBytesMax - this.#begunBytes;
    // A copy: a view would keep the whole chunk.
    this.#begun.push(Buffer.from(piece.subarray(0, room)));
    this.#begunBytes += Math.min(piece.length, room);
    if (piece.length > room) {
      this.#passOn(true);
      this.#skipping = true;
    }
  }

  #endLine(): void {
    if (!this.#skipping) {
      this.#passOn(false);
    }
    this.#skipping = false;
  }

  #passOn(cut: boolean): void {
    const octets = this.#begun.length === 1 ? this.#begun[0] : Buffer.concat(this.#begun);
    this.#begun = [];
    this.#begunBytes = 0;
    if (octets === undefined || octets.length === 0) {
      return;
    }
    if (!this.#allowed()) {
      this.#dropped++;
      return;
    }
    this.#tellDropped();
    this.#sink.line(withoutReturn(octets.toString("utf8")), cut);
  }

  #allowed(): boolean {
    if (this.#allowance < 1) {
      const nowMs = this.#nowMs();
      const earned = ((nowMs - this.#allowanceAtMs) * outputLinesPerSecondMax) / 1_000;
      this.#allowance = Math.min(this.#allowance + earned, outputLinesBurstMax);
      this.#allowanceAtMs = nowMs;
    }
    if (this.#allowance < 1) {
      return false;
    }
    this.#allowance--;
    return true;
  }

  #tellDropped(): void {
    if (this.#dropped > 0) {
      this.#sink.dropped(this.#dropped);
      this.#dropped = 0;
    }
  }

  #keepTail(chunk: Buffer): void {
    const last = chunk.subarray(-outputTailBytesMax);
    const room = outputTailBytesMax - last.length;
    const before = this.#tail.subarray(Math.max(0, this.#tail.length - room));
    this.#tail = Buffer.concat([before, last]);
  }
}

function withoutReturn(line: string): string {
  return line.endsWith("\r") ? line.slice(0, -1) : line;
}
