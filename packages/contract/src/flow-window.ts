import {
  muxCreditBytesMax,
  muxGrowthAfterBytes,
  muxGrowthBytesMax,
  muxWindowBytes,
} from "./limits.js";
import { ServeHTTPError } from "./servehttp-error.js";

/**
 * The credit of one direction of an exchange on mux, at the end that sends body and tunnel bytes (mux.proto,
 * step 4).
 */
export class SendWindow {
  #openBytes: number;

  /** `openBytes`: the credit to start with, by default `muxWindowBytes`. */
  constructor(openBytes: number = muxWindowBytes) {
    this.#openBytes = openBytes;
  }

  /** So many bytes may go now. */
  get openBytes(): number {
    return this.#openBytes;
  }

  /** Notes bytes that go. Throws a ServeHTTPError `internal` where there is no credit for them: a defect of ours. */
  take(bytes: number): void {
    if (bytes > this.#openBytes) {
      throw new ServeHTTPError(
        "internal",
        `${bytes} bytes taken from a window of ${this.#openBytes}`,
      );
    }
    this.#openBytes -= bytes;
  }

  /**
   * Notes credit that came. Throws a ServeHTTPError `protocol-violation` where the sum of what is open goes over
   * `muxCreditBytesMax`.
   */
  grant(bytes: number): void {
    const openBytes = this.#openBytes + bytes;
    if (openBytes > muxCreditBytesMax) {
      throw new ServeHTTPError(
        "protocol-violation",
        `credit of ${bytes} bytes makes ${openBytes}: allowed are ${muxCreditBytesMax}`,
      );
    }
    this.#openBytes = openBytes;
  }
}

/**
 * What the receiving end of a mux RPC may give to exchanges beside the window that they start with, all of them together:
 * `muxGrowthBytesMax`. So bulk has room, and a thousand consumers that stall hold no more than a thousand windows.
 */
export class GrowthBudget {
  #leftBytes = muxGrowthBytesMax;

  /** Whether there is so much left; it is taken then. */
  take(bytes: number): boolean {
    if (bytes > this.#leftBytes) {
      return false;
    }
    this.#leftBytes -= bytes;
    return true;
  }

  giveBack(bytes: number): void {
    this.#leftBytes += bytes;
  }
}

/** The credit of one direction of an exchange on mux, at the end that receives body and tunnel bytes. */
export class ReceiveWindow {
  #windowBytes: number;
  /** Granted and not yet used by the sender. */
  #openBytes: number;
  /** Received and not yet consumed. */
  #heldBytes = 0;
  /** Consumed and not yet given back. */
  #consumedBytes = 0;
  readonly #growsAfterBytes: number;
  /** Consumed in all, as long as the window is as it was. */
  #takenBytes = 0;

  /**
   * `windowBytes`: the credit that the sender starts with, by default `muxWindowBytes`. `growsAfterBytes`: what must be consumed
   * before it is too narrow, by default `muxGrowthAfterBytes`.
   */
  constructor(windowBytes: number = muxWindowBytes, growsAfterBytes: number = muxGrowthAfterBytes) {
    this.#windowBytes = windowBytes;
    this.#openBytes = windowBytes;
    this.#growsAfterBytes = growsAfterBytes;
  }

  /** Bytes that were received and that nobody has taken yet: the memory that the window holds. */
  get heldBytes(): number {
    return this.#heldBytes;
  }

  /**
   * Whether a wider window would serve: the consumer has taken much, and all that came, so it is the sender that waits. False once it
   * was widened.
   */
  get isTooNarrow(): boolean {
    return this.#takenBytes >= this.#growsAfterBytes && this.#heldBytes === 0;
  }

  /** Widens the window, once; returns the credit to give for it. */
  widen(bytes: number): number {
    this.#windowBytes += bytes;
    this.#openBytes += bytes;
    this.#takenBytes = Number.NEGATIVE_INFINITY;
    return bytes;
  }

  /** Notes bytes that came. Throws a ServeHTTPError `protocol-violation` where they are more than was granted. */
  receive(bytes: number): void {
    if (bytes > this.#openBytes) {
      throw new ServeHTTPError(
        "protocol-violation",
        `${bytes} bytes of body on a credit of ${this.#openBytes}`,
      );
    }
    this.#openBytes -= bytes;
    this.#heldBytes += bytes;
  }

  /**
   * Notes bytes that the consumer took, and returns the credit to give back now: 0 until half a window has come
   * together, so that few frames carry credit. A sender never runs dry for it: what is not given back yet is less
   * than half.
   *
   * Throws a ServeHTTPError `internal` for bytes that were never received: a defect of ours.
   */
  consume(bytes: number): number {
    if (bytes > this.#heldBytes) {
      throw new ServeHTTPError(
        "internal",
        `${bytes} bytes consumed of ${this.#heldBytes} received`,
      );
    }
    this.#heldBytes -= bytes;
    this.#takenBytes += bytes;
    const consumedBytes = this.#consumedBytes + bytes;
    if (2 * consumedBytes < this.#windowBytes) {
      this.#consumedBytes = consumedBytes;
      return 0;
    }
    this.#consumedBytes = 0;
    this.#openBytes += consumedBytes;
    return consumedBytes;
  }
}
