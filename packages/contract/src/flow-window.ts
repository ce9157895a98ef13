import {
  muxCreditBytesMax,
  muxGrowthAfterBytes,
  muxGrowthBytesMax,
  muxWindowBytes,
} from "./limits.js";
import { ServeHTTPError } from "./servehttp-error.js";

/**
 * The credit for one direction of an exchange on mux, at the end that sends (mux.proto, step 4). It
 * counts bytes of body and tunnel.
 */
export class SendWindow {
  #openBytes: number;
  #takenBytes = 0;

  /** `openBytes` is the credit to start with. Default: `muxWindowBytes`. */
  constructor(openBytes: number = muxWindowBytes) {
    this.#openBytes = openBytes;
  }

  /** How many bytes may be sent now. */
  get openBytes(): number {
    return this.#openBytes;
  }

  /**
   * Counts bytes that are sent.
   *
   * @throws ServeHTTPError `internal` where there is no credit for them, which is a defect of ours
   */
  take(bytes: number): void {
    if (bytes > this.#openBytes) {
      throw new ServeHTTPError(
        "internal",
        `${bytes} bytes taken from a window of ${this.#openBytes}`,
      );
    }
    this.#openBytes -= bytes;
    this.#takenBytes += bytes;
  }

  /** How many bytes have been sent. */
  get takenBytes(): number {
    return this.#takenBytes;
  }

  /**
   * Counts credit that has come.
   *
   * @throws ServeHTTPError `protocol-violation` where the open credit exceeds `muxCreditBytesMax`
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
 * What bulk may hold beyond what each exchange may, the credit that the receiving end of a mux RPC
 * gives for example: `muxGrowthBytesMax` for all exchanges together. So bulk gets a wide window, and a
 * thousand consumers that stall hold no more than a thousand windows.
 */
export class GrowthBudget {
  #leftBytes = muxGrowthBytesMax;

  /** Takes so many bytes. Returns false, and takes nothing, where fewer are left. */
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

/**
 * The credit for one direction of an exchange on mux, at the end that receives. It counts bytes of
 * body and tunnel.
 */
export class ReceiveWindow {
  #windowBytes: number;
  /** Granted and not yet used by the sender. */
  #openBytes: number;
  /** Received and not yet consumed. */
  #heldBytes = 0;
  /** Consumed and not yet given back. */
  #consumedBytes = 0;
  readonly #growsAfterBytes: number;
  /** Consumed in all, until the window is widened. */
  #takenBytes = 0;

  /**
   * `windowBytes` is the credit that the sender starts with, by default `muxWindowBytes`. Once
   * `growsAfterBytes` are consumed the window may be too narrow; default: `muxGrowthAfterBytes`.
   */
  constructor(windowBytes: number = muxWindowBytes, growsAfterBytes: number = muxGrowthAfterBytes) {
    this.#windowBytes = windowBytes;
    this.#openBytes = windowBytes;
    this.#growsAfterBytes = growsAfterBytes;
  }

  /** Bytes that were received and not consumed yet: the memory that the window holds. */
  get heldBytes(): number {
    return this.#heldBytes;
  }

  /**
   * Whether a wider window would help: the consumer has taken much, and everything that came, so it
   * waits for the sender. False once the window was widened.
   */
  get isTooNarrow(): boolean {
    return this.#takenBytes >= this.#growsAfterBytes && this.#heldBytes === 0;
  }

  /** Widens the window; done once. Returns the credit to give for it. */
  widen(bytes: number): number {
    this.#windowBytes += bytes;
    this.#openBytes += bytes;
    this.#takenBytes = Number.NEGATIVE_INFINITY;
    return bytes;
  }

  /**
   * Counts bytes that have come.
   *
   * @throws ServeHTTPError `protocol-violation` where they are more than was granted
   */
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
   * Counts bytes that the consumer took, and returns the credit to give back now. It is 0 until
   * half a window has come together, so that few frames carry credit. That never makes a sender
   * wait: what is not given back yet is less than half a window.
   *
   * @throws ServeHTTPError `internal` for bytes that were never received, which is a defect of ours
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
