import type { SegmentQueue } from "./segment-queue.js";

/** Who is told of what goes out of a stream. */
export interface OutputOwner {
  /** Few enough bytes wait again. */
  hasRoom(): void;
  /** Its END_STREAM has gone. */
  outputEnded(): void;
}

/**
 * What one stream of a host's has to send, and may. A `ConnectionOutput` changes it.
 *
 *   unopened -> open    [its HEADERS]
 *   open     -> ending  [its last bytes wait]    ending -> ended [they have gone]
 *   open     -> ended   [its last bytes]         any    -> closed [the stream is reset or lost]
 */
export class StreamOutput {
  readonly owner: OutputOwner;
  state: "unopened" | "open" | "ending" | "ended" | "closed" = "unopened";
  streamId = 0;
  /** What the peer's window lets through. SETTINGS can make it negative. */
  windowBytes = 0;
  /** What waits, once something has had to. */
  queue: SegmentQueue | undefined;
  /** Whether `hasRoom` is waited for. */
  awaitsRoom = false;
  /** How many bytes it may still want to send, at the most; only a bound. */
  expectedBytes = 0;
  /** What of the connection's window it may take without giving back, as it was counted last. */
  claimedBytes = 0;

  constructor(owner: OutputOwner) {
    this.owner = owner;
  }

  get queuedBytes(): number {
    return this.queue?.bytes ?? 0;
  }

  /** What of the connection's window it may take, though nobody reads at the other end. */
  get claimBytes(): number {
    if (this.state !== "open" && this.state !== "ending") {
      return 0;
    }
    const wanted = this.state === "ending" ? this.queuedBytes : this.expectedBytes;
    return Math.max(0, Math.min(this.windowBytes, Math.max(wanted, this.queuedBytes)));
  }
}
