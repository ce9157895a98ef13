import type { Socket } from "node:net";
import { type GrowthBudget, muxGrowthAfterBytes } from "@servehttp/contract";
import { writeLent } from "../client/write-lent.js";
import { fastPathFreedBytesMin, fastPathWideBytes } from "../limits.js";

const nothing = Buffer.alloc(0);

/**
 * The reading and the writing end of a socket on the fast path. Writes in as few system calls as
 * Node's `ServerResponse` does, and holds the bytes that have come and that nobody has taken. Hot:
 * the small GET of `apps/bench`.
 */
export class SocketIo {
  readonly socket: Socket;
  #held: Buffer = nothing;
  /** Whether the memory of what is held, or was taken last, is of no use to anybody else. */
  #owned = false;
  /** Bytes that somebody has read and given back before the socket was the fast path's. */
  #readBefore: number;
  #reading = true;
  #corked = false;
  readonly #budget: GrowthBudget;
  /** How much of a body has been written, and what may wait of it. */
  #bodyBytes = 0;
  #wideBytes = 0;

  readonly #uncork = (): void => {
    this.#corked = false;
    this.socket.uncork();
  };

  constructor(socket: Socket, budget: GrowthBudget) {
    this.socket = socket;
    this.#budget = budget;
    this.#readBefore = socket.bytesRead;
  }

  /** How many bytes have come that nobody has taken. */
  get heldBytes(): number {
    return this.#held.length;
  }

  /**
   * Whether what was taken last lies in memory of its own, which a read of the socket has filled, so
   * that it may be freed with the last use of these bytes.
   */
  get owned(): boolean {
    return this.#owned;
  }

  /** Holds bytes that have come. */
  hold(bytes: Buffer): void {
    if (this.#held.length > 0) {
      this.#held = Buffer.concat([this.#held, bytes]);
      this.#owned = false;
    } else {
      this.#held = bytes;
      this.#owned = this.#readBefore <= 0 && isWholeMemory(bytes);
    }
    this.#readBefore -= bytes.length;
  }

  /** Takes all that is held. */
  take(): Buffer {
    const held = this.#held;
    this.#held = nothing;
    return held;
  }

  /** Holds what is left of what `take` gave. */
  putBack(bytes: Buffer): void {
    this.#held = bytes;
  }

  /** Holds what is left of what `take` gave, while the rest of its memory is still in use. */
  putBackShared(bytes: Buffer): void {
    this.#held = bytes;
    this.#owned = false;
  }

  /** Drops what is held. */
  drop(): void {
    this.#held = nothing;
  }

  /** Whether the socket is read. What has been read before still comes. */
  setReading(reading: boolean): void {
    if (reading === this.#reading) {
      return;
    }
    this.#reading = reading;
    if (reading) {
      this.socket.resume();
    } else {
      this.socket.pause();
    }
  }

  /** Leaves the socket to somebody else: paused, with everything in it that nobody has taken. */
  release(): void {
    this.socket.pause();
    if (this.#held.length > 0) {
      this.socket.unshift(this.take());
    }
  }

  /** Writes text of one character a byte. False where the client has to be waited for. */
  write(text: string): boolean {
    const { socket } = this;
    // As with Node's server, a client that has ended its side of the connection gets nothing more.
    return text === "" || !socket.writable || socket.write(text, "latin1");
  }

  /** Writes bytes, which nobody may change any more. */
  writeBytes(bytes: Buffer): void {
    const { socket } = this;
    if (socket.writable) {
      socket.write(bytes);
    }
  }

  /**
   * Writes bytes with text in front of them and behind, in one go. They are the carrier's: it hears
   * when they are written.
   */
  writeAround(front: string, bytes: Uint8Array, back: string): boolean {
    const { socket } = this;
    if (!socket.writable) {
      return true;
    }
    socket.cork();
    this.write(front);
    let hasRoom = writeLent(socket, bytes);
    if (back !== "") {
      hasRoom = socket.write(back, "latin1");
    }
    socket.uncork();
    return hasRoom;
  }

  /**
   * So much of a body has been written. Returns whether there is room for more: where Node says that
   * there is none, a client that has read much is still sent several chunks at once.
   */
  hasBodyRoom(bytes: number, hasRoom: boolean): boolean {
    this.#bodyBytes += bytes;
    if (hasRoom) {
      return true;
    }
    const isBulk = this.#bodyBytes >= muxGrowthAfterBytes;
    if (isBulk && this.#wideBytes === 0 && this.#budget.take(fastPathWideBytes)) {
      this.#wideBytes = fastPathWideBytes;
    }
    return this.socket.writableLength < this.#wideBytes;
  }

  /** The body is over, whichever way. */
  bodyOver(): void {
    this.#bodyBytes = 0;
    if (this.#wideBytes > 0) {
      this.#budget.giveBack(this.#wideBytes);
      this.#wideBytes = 0;
    }
  }

  /**
   * Lets everything that is written in this turn of the event loop go out in one write, as Node
   * does.
   */
  corkForTurn(): void {
    if (!this.#corked) {
      this.#corked = true;
      this.socket.cork();
      process.nextTick(this.#uncork);
    }
  }
}

/** Whether the bytes are all that is in their memory, and it is worth being freed by hand. */
function isWholeMemory(bytes: Buffer): boolean {
  return bytes.length >= fastPathFreedBytesMin && bytes.length === bytes.buffer.byteLength;
}
