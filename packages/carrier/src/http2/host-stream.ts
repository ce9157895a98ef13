import { ServeHTTPError } from "@servehttp/contract";
import { hostStreamWindowBytes } from "../limits.js";
import type { HeaderFields } from "../wire/header-fields.js";
import { errorCode, frameFlag } from "./frames.js";
import { HeldBytes } from "./held-bytes.js";
import { Http2Error } from "./http2-error.js";
import { type OutputOwner, StreamOutput } from "./stream-output.js";

/** Who hears of what a stream brings. */
export interface HostStreamListener {
  /** The head of the response. */
  receiveHead(fields: HeaderFields): void;
  receiveData(octets: Buffer): void;
  /**
   * The peer has ended its way, and everything in front of that was given: with trailers, or the
   * head where there is no more.
   */
  receiveEnd(trailers: HeaderFields): void;
  /** Few enough bytes wait to be sent again; only after `awaitRoom`. */
  hasRoom(): void;
  /** The peer reset the stream. Nothing follows. */
  receiveReset(code: number): void;
  /**
   * The stream is gone with its connection, or because the peer broke the rules. Nothing follows.
   * `unprocessed`: the peer has done nothing with it, and it may be tried anew (RFC 9113, section
   * 8.7).
   */
  failed(error: ServeHTTPError, unprocessed: boolean): void;
}

/** What a stream needs of its connection. */
export interface HostStreamConnection {
  /** Sends a message, the first one behind the HEADERS. */
  write(stream: HostStream, segments: readonly Buffer[], last: boolean): void;
  /** Ends this end's way of a stream behind what waits. */
  end(stream: HostStream): void;
  /** Counts with so many more bytes of a stream than were expected. */
  expect(stream: HostStream, bytes: number): void;
  /** Gives so many bytes of the stream's window back. */
  returnCredit(stream: HostStream, bytes: number): void;
  /** Resets the stream, now or as soon as the peer bears it. */
  resetStream(stream: HostStream, code: number): void;
  /** Both ways have ended. */
  forget(stream: HostStream): void;
}

/** One stream of a `HostConnection`: a streaming RPC as bytes. */
export class HostStream implements OutputOwner {
  readonly output = new StreamOutput(this);
  readonly #connection: HostStreamConnection;
  /** Undefined once it has heard the last, or wants to hear no more. */
  #listener: HostStreamListener | undefined;
  /**
   * The peer's way: head -> open [its header section] -> ended; any -> closed [the stream is reset
   * or lost]
   */
  #receiving: "head" | "open" | "ended" | "closed" = "head";
  /** Whether the peer has shown that it knows the stream. */
  #seen = false;
  #paused = false;
  /** What came while it was paused. */
  #held: HeldBytes | undefined;
  /** The peer's end, while what came in front of it is held. */
  #heldEnd: HeaderFields | undefined;
  /** What is to be told behind the held end. */
  #heldClose: ((listener: HostStreamListener) => void) | undefined;
  /** Bytes that came and whose window was not given back, those that are held included. */
  #takenBytes = 0;
  /** Of these, bytes that were given to the listener. */
  #readBytes = 0;
  /** Of the DATA frame that comes: bytes with its padding. */
  #frameBytes = 0;

  constructor(connection: HostStreamConnection, listener: HostStreamListener) {
    this.#connection = connection;
    this.#listener = listener;
  }

  /** 0 until its first message is written. */
  get id(): number {
    return this.output.streamId;
  }

  /** Whether the peer has shown that it knows the stream. */
  get seen(): boolean {
    return this.#seen;
  }

  /** Bytes that wait for the windows of the peer, or the socket. */
  get unsentBytes(): number {
    return this.output.queuedBytes;
  }

  /** Whether all was sent, the end of this end's way included. */
  get sentAll(): boolean {
    return this.output.state === "ended";
  }

  /** Whether this end may still send. */
  get writable(): boolean {
    const { state } = this.output;
    return state === "unopened" || state === "open";
  }

  /**
   * Sends a message, with room for what goes in front of it; `last` ends this end's way behind it.
   */
  write(segments: readonly Buffer[], last: boolean): void {
    if (this.writable) {
      this.#connection.write(this, segments, last);
    }
  }

  /** Ends this end's way behind everything that was sent. */
  end(): void {
    if (this.output.state === "open") {
      this.#connection.end(this);
    }
  }

  /** Says that so many more bytes may be sent than was said when the stream was opened. */
  expect(bytes: number): void {
    if (this.output.state === "open") {
      this.#connection.expect(this, bytes);
    }
  }

  /** Asks for `hasRoom`. */
  awaitRoom(): void {
    this.output.awaitsRoom = true;
  }

  /**
   * Gives both ways up, in a way that never looks as if this end's were whole. The listener hears
   * nothing more.
   */
  reset(code: number): void {
    this.#listener = undefined;
    this.#held = undefined;
    const isOver = this.#receiving === "ended" && this.output.state === "ended";
    if (this.#receiving !== "closed" && !isOver) {
      this.#receiving = "closed";
      this.#connection.resetStream(this, code);
    }
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    if (!this.#paused) {
      return;
    }
    this.#paused = false;
    for (let octets = this.#held?.shift(); octets !== undefined; octets = this.#held?.shift()) {
      this.#give(octets);
      if (this.#isPaused) {
        return;
      }
    }
    if (this.#heldEnd !== undefined) {
      const trailers = this.#heldEnd;
      this.#heldEnd = undefined;
      this.#end(trailers);
    }
  }

  hasRoom(): void {
    this.#listener?.hasRoom();
  }

  outputEnded(): void {
    if (this.#receiving === "ended") {
      this.#connection.forget(this);
    }
  }

  /** A DATA frame begins. @throws Http2Error where it is more than the stream's window allows */
  beginData(bytes: number): void {
    this.#seen = true;
    this.#frameBytes = bytes;
    this.#takenBytes += bytes;
    if (this.#takenBytes > hostStreamWindowBytes) {
      throw new Http2Error(
        errorCode.flowControlError,
        "more bytes than the stream's window allows",
      );
    }
    if (this.#receiving === "head") {
      this.#violate(errorCode.protocolError, "DATA before HEADERS");
    } else if (this.#receiving === "ended") {
      this.#violate(errorCode.streamClosed, "DATA behind the end of a stream");
    }
  }

  takeData(octets: Buffer): void {
    this.#frameBytes -= octets.length;
    if (this.#receiving !== "open" || this.#listener === undefined) {
      this.#readBytes += octets.length;
    } else if (this.#paused) {
      (this.#held ??= new HeldBytes()).push(octets);
    } else {
      this.#give(octets);
    }
  }

  endData(flags: number): void {
    // Padding.
    this.#readBytes += this.#frameBytes;
    this.#frameBytes = 0;
    if ((flags & frameFlag.endStream) !== 0) {
      this.#takeEnd(noFields);
    } else {
      this.#returnCredit();
    }
  }

  takeFields(fields: HeaderFields, ends: boolean): void {
    this.#seen = true;
    if (this.#receiving === "open") {
      if (ends) {
        this.#takeEnd(fields);
      } else {
        this.#violate(errorCode.protocolError, "a second header section that ends nothing");
      }
    } else if (this.#receiving === "ended") {
      this.#violate(errorCode.streamClosed, "HEADERS behind the end of a stream");
    } else if (this.#receiving === "head") {
      this.#takeHead(fields, ends);
    }
  }

  /** The peer reset the stream. */
  takeReset(code: number): void {
    this.#close((listener) => listener.receiveReset(code));
  }

  /** The stream is gone. */
  lose(error: ServeHTTPError, unprocessed: boolean): void {
    this.#close((listener) => listener.failed(error, unprocessed));
  }

  /** A WINDOW_UPDATE came: the peer knows the stream. */
  takeSign(): void {
    this.#seen = true;
  }

  #takeHead(fields: HeaderFields, ends: boolean): void {
    const status = fields[":status"] ?? "";
    if (status.length === 3 && status.startsWith("1")) {
      if (ends) {
        this.#violate(errorCode.protocolError, "an informational response as the last");
      }
      return;
    }
    this.#receiving = "open";
    this.#listener?.receiveHead(fields);
    if (ends) {
      this.#takeEnd(fields);
    }
  }

  #takeEnd(trailers: HeaderFields): void {
    if (this.#receiving !== "open") {
      return;
    }
    this.#receiving = "ended";
    if (this.output.state === "ended") {
      this.#connection.forget(this);
    }
    if (this.#paused || this.#held?.empty === false) {
      this.#heldEnd = trailers;
    } else {
      this.#end(trailers);
    }
  }

  #end(trailers: HeaderFields): void {
    this.#listener?.receiveEnd(trailers);
    if (this.#heldClose !== undefined) {
      const tell = this.#heldClose;
      this.#heldClose = undefined;
      this.#tellLast(tell);
    }
  }

  /** Nothing goes either way any more. What came in full is given all the same. */
  #close(tell: (listener: HostStreamListener) => void): void {
    this.#receiving = "closed";
    if (this.#heldEnd !== undefined) {
      this.#heldClose ??= tell;
      return;
    }
    this.#held = undefined;
    this.#tellLast(tell);
  }

  #tellLast(tell: (listener: HostStreamListener) => void): void {
    const listener = this.#listener;
    this.#listener = undefined;
    if (listener !== undefined) {
      tell(listener);
    }
  }

  #violate(code: number, message: string): void {
    this.#receiving = "closed";
    const error = new ServeHTTPError("protocol-violation", `the plugin broke HTTP/2: ${message}`);
    this.#tellLast((listener) => listener.failed(error, false));
    this.#connection.resetStream(this, code);
  }

  #give(octets: Buffer): void {
    this.#readBytes += octets.length;
    this.#listener?.receiveData(octets);
    this.#returnCredit();
  }

  /** As it is now: a listener may have changed it. */
  get #isPaused(): boolean {
    return this.#paused;
  }

  #returnCredit(): void {
    if (2 * this.#readBytes > hostStreamWindowBytes && this.#receiving === "open") {
      this.#connection.returnCredit(this, this.#readBytes);
      this.#takenBytes -= this.#readBytes;
      this.#readBytes = 0;
    }
  }
}

const noFields: HeaderFields = Object.freeze({});
