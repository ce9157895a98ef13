import type { Duplex } from "node:stream";
import {
  frameHeadBytes,
  frameType,
  initialFrameBytesMax,
  initialWindowBytes,
  settingBytes,
  settingId,
  writeFrameHead,
} from "./frames.js";
import { SegmentQueue } from "./segment-queue.js";
import { checkedFrameBytes, checkedIncrement, checkedWindow } from "./check-window.js";

/** A message that waits for the windows of the other side. */
interface Waiting {
  readonly segments: SegmentQueue;
  readonly onWritten: () => void;
}

/**
 * The DATA of one stream on its way out: as few frames and as few writes as the other side allows.
 * One message at a time; one that the windows hold up waits here.
 */
export class FrameWriter {
  readonly #socket: Duplex;
  readonly #streamId: number;
  #streamWindow = initialWindowBytes;
  #connectionWindow = initialWindowBytes;
  /** What each stream of the other side's begins with. */
  #initialWindow = initialWindowBytes;
  #frameBytesMax = initialFrameBytesMax;
  #waiting: Waiting | undefined;
  /** What follows when nothing waits any more. */
  #end: { readonly lastFrame: Buffer; readonly onEnded: () => void } | undefined;
  #closed = false;

  constructor(socket: Duplex, streamId: number) {
    this.#socket = socket;
    this.#streamId = streamId;
  }

  /** Whether a message waits for the windows. */
  get waits(): boolean {
    return this.#waiting !== undefined;
  }

  /**
   * Writes a message, of whose first segment `frameHeadBytes` are free for the head of a frame.
   * `onWritten` is called when the connection has taken it.
   */
  write(segments: Buffer[], onWritten: () => void): void {
    const first = segments[0] as Buffer;
    let bytes = -frameHeadBytes;
    for (const segment of segments) {
      bytes += segment.length;
    }
    if (
      bytes <= this.#frameBytesMax &&
      bytes <= this.#streamWindow &&
      bytes <= this.#connectionWindow
    ) {
      writeFrameHead(first, bytes, frameType.data, 0, this.#streamId);
      this.#take(bytes);
      this.#send(segments, onWritten);
      return;
    }
    const waiting = { segments: new SegmentQueue(), onWritten };
    waiting.segments.push(segments, frameHeadBytes);
    this.#waiting = waiting;
    this.sendWaiting();
  }

  /**
   * Sends the last frame of the stream behind everything written; `onEnded` is called when it has
   * gone.
   */
  end(lastFrame: Buffer, onEnded: () => void): void {
    this.#end = { lastFrame, onEnded };
    this.#sendEndIfDue();
  }

  /** Drops what waits. */
  close(): void {
    this.#closed = true;
    this.#waiting = undefined;
    this.#end = undefined;
  }

  /** WINDOW_UPDATE, for the stream or the connection (RFC 9113, section 6.9). @throws Http2Error */
  widen(what: "stream" | "connection", bytes: number): void {
    checkedIncrement(bytes);
    if (what === "stream") {
      this.#streamWindow = checkedWindow(this.#streamWindow + bytes);
    } else {
      this.#connectionWindow = checkedWindow(this.#connectionWindow + bytes);
    }
    this.sendWaiting();
  }

  /**
   * Takes SETTINGS, as far as they are about what goes out. Sends nothing: what they allow may go
   * only behind their acknowledgement, so call `sendWaiting` then.
   *
   * @throws Http2Error
   */
  takeSettings(payload: Buffer): void {
    for (let at = 0; at < payload.length; at += settingBytes) {
      const id = payload.readUInt16BE(at);
      const value = payload.readUInt32BE(at + 2);
      if (id === settingId.initialWindowSize) {
        this.#setInitialWindow(value);
      } else if (id === settingId.maxFrameSize) {
        this.#frameBytesMax = checkedFrameBytes(value);
      }
    }
  }

  /** Sends as much of what waits as the windows allow. */
  sendWaiting(): void {
    const waiting = this.#waiting;
    if (waiting === undefined) {
      return;
    }
    const pieces: Buffer[] = [];
    const { segments } = waiting;
    while (segments.bytes > 0) {
      const bytes = Math.min(
        this.#frameBytesMax,
        this.#streamWindow,
        this.#connectionWindow,
        segments.bytes,
      );
      if (bytes <= 0) {
        break;
      }
      const head = Buffer.allocUnsafe(frameHeadBytes);
      writeFrameHead(head, bytes, frameType.data, 0, this.#streamId);
      pieces.push(head);
      segments.take(bytes, pieces);
      this.#take(bytes);
    }
    if (segments.bytes === 0) {
      this.#waiting = undefined;
      this.#send(pieces, waiting.onWritten);
      this.#sendEndIfDue();
    } else if (pieces.length > 0) {
      this.#send(pieces, undefined);
    }
  }

  /** This also changes the window of the stream (section 6.9.2). */
  #setInitialWindow(bytes: number): void {
    this.#streamWindow = checkedWindow(
      this.#streamWindow + checkedWindow(bytes) - this.#initialWindow,
    );
    this.#initialWindow = bytes;
  }

  #sendEndIfDue(): void {
    const end = this.#end;
    if (end !== undefined && this.#waiting === undefined) {
      this.#end = undefined;
      this.#socket.write(end.lastFrame);
      end.onEnded();
    }
  }

  #take(bytes: number): void {
    this.#streamWindow -= bytes;
    this.#connectionWindow -= bytes;
  }

  #send(pieces: readonly Buffer[], onWritten: (() => void) | undefined): void {
    const socket = this.#socket;
    const written = (error?: Error | null) => {
      if (!this.#closed && (error === undefined || error === null)) {
        onWritten?.();
      }
    };
    const last = pieces.length - 1;
    if (last === 0) {
      socket.write(pieces[0], written);
      return;
    }
    socket.cork();
    for (let index = 0; index < last; index += 1) {
      socket.write(pieces[index]);
    }
    socket.write(pieces[last], written);
    socket.uncork();
  }
}
