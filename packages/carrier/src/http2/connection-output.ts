import type { Duplex } from "node:stream";
import { sentDataFrameBytesMax, unsentConnectionBytesMax } from "../limits.js";
import { atCallbackEnd, atTurnEnd, type Flushable } from "../schedule/turn-end.js";
import { checkedFrameBytes, checkedIncrement, checkedWindow } from "./check-window.js";
import {
  frame,
  frameFlag,
  frameHeadBytes,
  frameType,
  initialFrameBytesMax,
  initialWindowBytes,
  writeFrameHead,
} from "./frames.js";
import { OutputBatch } from "./output-batch.js";
import { SegmentQueue } from "./segment-queue.js";
import type { StreamOutput } from "./stream-output.js";

/** A sender that had to wait goes on when no more of its bytes wait than this: 64 KiB, a chunk. */
const roomBytes = 65_536;

/**
 * All that a host's connection with many streams sends: within the peer's windows (RFC 9113,
 * section 5.2), stream by stream in turn, and never far ahead of its socket. What one callback
 * brings about goes out in one write.
 */
export class ConnectionOutput implements Flushable {
  readonly #socket: Duplex;
  readonly #batch: OutputBatch;
  /** Streams of which bytes wait, those that a window of their own holds up left out. In turn. */
  readonly #waiting = new Set<StreamOutput>();
  #windowBytes = initialWindowBytes;
  /** What each stream begins with. */
  #streamWindowBytes = initialWindowBytes;
  #frameBytesMax = initialFrameBytesMax;
  #claimedBytes = 0;
  /**
   * idle -> lazy [#pushLazily], idle, lazy -> planned [push], any -> idle [flush], any -> closed
   * [close]
   */
  #state: "idle" | "lazy" | "planned" | "closed" = "idle";
  readonly #lazyFlush: Flushable = {
    flush: () => {
      if (this.#state === "lazy") {
        // Behind what the end of the turn has others send.
        this.#state = "planned";
        atCallbackEnd(this);
      }
    },
  };

  constructor(socket: Duplex) {
    this.#socket = socket;
    this.#batch = new OutputBatch(socket);
    socket.on("drain", () => this.#sendWaiting());
  }

  /** What the connection's window lets through. */
  get windowBytes(): number {
    return this.#windowBytes;
  }

  /** What each stream's window begins with. */
  get streamWindowBytes(): number {
    return this.#streamWindowBytes;
  }

  /** What streams that still send could take of the connection's window without giving it back. */
  get claimedBytes(): number {
    return this.#claimedBytes;
  }

  /** Sends a frame that needs no window. */
  push(octets: Buffer): void {
    if (this.#state === "closed") {
      return;
    }
    this.#batch.push(octets);
    if (this.#state !== "planned") {
      this.#state = "planned";
      atCallbackEnd(this);
    }
  }

  /**
   * The same for a frame that nobody waits for: it goes with what the turn brings, or at its end.
   */
  #pushLazily(octets: Buffer): void {
    if (this.#state !== "closed") {
      this.#batch.push(octets);
      if (this.#state === "idle") {
        this.#state = "lazy";
        atTurnEnd(this.#lazyFlush);
      }
    }
  }

  /** Writes what there is. */
  flush(): void {
    if (this.#state !== "closed") {
      this.#state = "idle";
      this.#batch.flush();
    }
  }

  /**
   * Sends a message of a stream, of whose first segment `headroomBytes` are taken: the frame head
   * of its DATA last of them, and in front of that, where there is more, a frame that needs no
   * window. `last` ends the stream behind it.
   */
  write(
    stream: StreamOutput,
    segments: readonly Buffer[],
    headroomBytes: number,
    last: boolean,
  ): void {
    let bytes = -headroomBytes;
    for (const segment of segments) {
      bytes += segment.length;
    }
    stream.expectedBytes -= bytes;
    if (
      stream.queuedBytes === 0 &&
      bytes <= this.#frameBytesMax &&
      bytes <= stream.windowBytes &&
      bytes <= this.#windowBytes &&
      !this.#isFull
    ) {
      const flags = last ? frameFlag.endStream : 0;
      const head = headroomBytes - frameHeadBytes;
      writeFrameHead(segments[0] as Buffer, bytes, frameType.data, flags, stream.streamId, head);
      this.#take(stream, bytes);
      for (const segment of segments) {
        this.push(segment);
      }
      this.#sent(stream, last ? "ended" : "open");
      return;
    }
    if (headroomBytes > frameHeadBytes) {
      this.push((segments[0] as Buffer).subarray(0, headroomBytes - frameHeadBytes));
    }
    stream.queue ??= new SegmentQueue();
    stream.queue.push(segments, headroomBytes);
    stream.state = last ? "ending" : "open";
    this.#waiting.add(stream);
    this.#claim(stream);
    this.#sendWaiting();
  }

  /** Ends a stream behind what waits. */
  end(stream: StreamOutput): void {
    if (stream.queuedBytes > 0) {
      stream.state = "ending";
      this.#claim(stream);
    } else {
      this.#pushLazily(frame(frameType.data, frameFlag.endStream, stream.streamId, nothing));
      this.#sent(stream, "ended");
    }
  }

  /** Counts with so many more bytes of a stream than were expected when it was opened. */
  expect(stream: StreamOutput, bytes: number): void {
    stream.expectedBytes += bytes;
    this.#claim(stream);
  }

  /** WINDOW_UPDATE of the connection. @throws Http2Error */
  widen(bytes: number): void {
    this.#windowBytes = checkedWindow(this.#windowBytes + checkedIncrement(bytes));
    this.#sendWaiting();
  }

  /** WINDOW_UPDATE of a stream. @throws Http2Error */
  widenStream(stream: StreamOutput, bytes: number): void {
    stream.windowBytes = checkedWindow(stream.windowBytes + checkedIncrement(bytes));
    this.#goOn(stream);
    this.#sendWaiting();
  }

  /**
   * SETTINGS_INITIAL_WINDOW_SIZE, which changes the windows of open streams too (section 6.9.2).
   * Sends nothing: what it allows may go only behind its acknowledgement.
   *
   * @throws Http2Error
   */
  setStreamWindow(bytes: number, streams: Iterable<StreamOutput>): void {
    const difference = checkedWindow(bytes) - this.#streamWindowBytes;
    this.#streamWindowBytes = bytes;
    for (const stream of streams) {
      stream.windowBytes = checkedWindow(stream.windowBytes + difference);
      this.#goOn(stream);
    }
  }

  /** SETTINGS_MAX_FRAME_SIZE. @throws Http2Error */
  setFrameBytesMax(bytes: number): void {
    this.#frameBytesMax = Math.min(checkedFrameBytes(bytes), sentDataFrameBytesMax);
  }

  /** Sends what waits, as far as the windows allow. */
  sendWaiting(): void {
    this.#sendWaiting();
  }

  /** Nothing more of the stream goes. */
  drop(stream: StreamOutput): void {
    this.#waiting.delete(stream);
    stream.queue?.clear();
    stream.state = "closed";
    this.#claim(stream);
  }

  /** Nothing more goes. */
  close(): void {
    this.#batch.flush();
    this.#state = "closed";
    this.#waiting.clear();
  }

  /** Whether the socket has enough to do. */
  get #isFull(): boolean {
    return this.#socket.writableLength + this.#batch.bytes >= unsentConnectionBytesMax;
  }

  #sendWaiting(): void {
    // A stream that goes to the end comes up again in the same loop: each gets a frame in turn.
    for (const stream of this.#waiting) {
      if (this.#windowBytes <= 0) {
        return;
      }
      if (this.#isFull) {
        this.flush();
        if (this.#isFull) {
          // The socket says when it has taken it.
          return;
        }
      }
      this.#waiting.delete(stream);
      this.#sendFrame(stream, stream.queue as SegmentQueue);
    }
  }

  #sendFrame(stream: StreamOutput, queue: SegmentQueue): void {
    const bytes = Math.min(this.#frameBytesMax, stream.windowBytes, this.#windowBytes, queue.bytes);
    if (bytes <= 0) {
      // Its own window holds it up, and brings it back.
      return;
    }
    const isLast = bytes === queue.bytes && stream.state === "ending";
    const head = Buffer.allocUnsafe(frameHeadBytes);
    const flags = isLast ? frameFlag.endStream : 0;
    writeFrameHead(head, bytes, frameType.data, flags, stream.streamId);
    this.push(head);
    const pieces: Buffer[] = [];
    queue.take(bytes, pieces);
    for (const piece of pieces) {
      this.push(piece);
    }
    this.#take(stream, bytes);
    if (queue.bytes > 0) {
      this.#waiting.add(stream);
    }
    this.#sent(stream, isLast ? "ended" : stream.state);
  }

  #take(stream: StreamOutput, bytes: number): void {
    stream.windowBytes -= bytes;
    this.#windowBytes -= bytes;
  }

  #sent(stream: StreamOutput, state: StreamOutput["state"]): void {
    stream.state = state;
    this.#claim(stream);
    if (stream.awaitsRoom && stream.queuedBytes <= roomBytes) {
      stream.awaitsRoom = false;
      stream.owner.hasRoom();
    }
    if (state === "ended") {
      stream.owner.outputEnded();
    }
  }

  #goOn(stream: StreamOutput): void {
    if (stream.queuedBytes > 0) {
      this.#waiting.add(stream);
    }
    this.#claim(stream);
  }

  #claim(stream: StreamOutput): void {
    const { claimBytes } = stream;
    this.#claimedBytes += claimBytes - stream.claimedBytes;
    stream.claimedBytes = claimBytes;
  }
}

const nothing = Buffer.alloc(0);
