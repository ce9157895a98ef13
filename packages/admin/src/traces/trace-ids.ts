import { randomFillSync } from "node:crypto";
import type { IdGenerator } from "@opentelemetry/sdk-trace";

/** Bytes of a trace's id, of a span's, and of the ids of how many requests are drawn at once. */
const traceIdBytes = 16;
const spanIdBytes = 8;
const idsAtOnce = 512;

/** Makes the ids of traces and spans. They are random, and many are drawn at once. */
export class TraceIds implements IdGenerator {
  readonly #random = Buffer.allocUnsafeSlow(idsAtOnce * (traceIdBytes + spanIdBytes));
  #used = this.#random.length;
  /** The trace of the span that is made now, where it is settled. */
  #settled: string | undefined;

  generateTraceId(): string {
    return this.#settled ?? this.#draw(traceIdBytes, noTrace);
  }

  generateSpanId(): string {
    return this.#draw(spanIdBytes, noSpan);
  }

  /** What `make` returns, with this id for the trace that it begins. */
  within<Made>(traceId: string, make: () => Made): Made {
    this.#settled = traceId;
    try {
      return make();
    } finally {
      this.#settled = undefined;
    }
  }

  /** A text of its own: one that is cut out of another takes three times as long to read. */
  #draw(bytes: number, none: string): string {
    if (this.#used + bytes > this.#random.length) {
      randomFillSync(this.#random);
      this.#used = 0;
    }
    const start = this.#used;
    this.#used += bytes;
    const id = this.#random.toString("hex", start, start + bytes);
    return id === none ? this.#draw(bytes, none) : id;
  }
}

const noTrace = "0".repeat(2 * traceIdBytes);
const noSpan = "0".repeat(2 * spanIdBytes);
