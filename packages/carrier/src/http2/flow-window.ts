import { Http2Error } from "./http2-error.js";
import { errorCode, initialWindowBytes, windowUpdateFrame } from "./frames.js";

/**
 * What the other side may send before it hears that it was read: 16 MiB. Bytes are read as they
 * come, and what keeps an exchange's sender waiting is its own credit, so this only must never be
 * the narrow place.
 */
export const rpcWindowBytes = 16_777_216;

/** The windows for what comes in, that of the connection and that of its one stream. */
export class FlowWindow {
  readonly #streamId: number;
  /** What has come since the other side last heard of it, on the stream and in all. */
  #streamBytes = 0;
  #bytes = 0;

  constructor(streamId: number) {
    this.#streamId = streamId;
  }

  /**
   * The frame by which the connection's window becomes as wide as the stream's, which SETTINGS say.
   */
  static opening(): Buffer {
    return windowUpdateFrame(0, rpcWindowBytes - initialWindowBytes);
  }

  /** A DATA frame takes so much, of any stream. @throws Http2Error */
  take(streamId: number, bytes: number): void {
    this.#bytes += bytes;
    if (streamId === this.#streamId) {
      this.#streamBytes += bytes;
    }
    if (this.#bytes > rpcWindowBytes) {
      throw new Http2Error(errorCode.flowControlError, "more bytes than the window allows");
    }
  }

  /** What is to be said of what was read, once it is half of the window. */
  update(): Buffer | undefined {
    if (2 * this.#bytes <= rpcWindowBytes) {
      return undefined;
    }
    const frames = [windowUpdateFrame(0, this.#bytes)];
    if (this.#streamBytes > 0) {
      frames.push(windowUpdateFrame(this.#streamId, this.#streamBytes));
    }
    this.#bytes = 0;
    this.#streamBytes = 0;
    return Buffer.concat(frames);
  }
}
