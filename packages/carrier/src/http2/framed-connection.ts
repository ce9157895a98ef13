import type { Duplex } from "node:stream";
import { ServeHTTPError } from "@servehttp/contract";
import { FrameReader, type FrameTaker } from "./frame-reader.js";
import {
  errorCode,
  frame,
  frameFlag,
  frameType,
  goawayFrame,
  preface,
  windowBytesMax,
} from "./frames.js";
import { HeaderSections } from "./header-sections.js";
import { HpackError } from "./hpack.js";
import { Http2Error } from "./http2-error.js";

/**
 * Who asks for so many answers (to PING and SETTINGS) without reading them is cut off: thousands.
 */
const unreadAnswerBytesMax = 65_536;

/** How long a connection that is done with may take to bring its last bytes to the other side. */
const lingerMs = 1_000;

/**
 * What one end does with the frames of its connection. Each method but `onClosed` may throw an
 * Http2Error.
 */
export interface ConnectionEnd {
  /** Which end it is. Only a plugin's is sent the preface. */
  readonly side: "host" | "plugin";
  /** For messages: "the connection of the mux RPC". */
  readonly what: string;
  /** The last stream of the other side's that was looked at, for GOAWAY. */
  readonly lastStreamId: number;
  /** A DATA frame begins, of so many bytes, padding included. */
  beginData(streamId: number, bytes: number): void;
  takeData(streamId: number, octets: Buffer): void;
  endData(streamId: number, flags: number): void;
  /**
   * A whole header section, still encoded. `ends`: the other side's way of the stream ends with it.
   */
  takeSection(streamId: number, block: Buffer, ends: boolean): void;
  /** SETTINGS. What they allow may go out only once `settingsAnswered` is called. */
  takeSettings(payload: Buffer): void;
  /** Their acknowledgement has been written. */
  settingsAnswered(): void;
  /** The other side has taken one more of our SETTINGS. */
  settingsTaken(): void;
  takeWindowUpdate(streamId: number, bytes: number): void;
  takeReset(streamId: number, code: number): void;
  takeGoaway(lastStreamId: number, code: number): void;
  /** Nothing goes either way any more. The last call; the error says why where something failed. */
  onClosed(error: ServeHTTPError | undefined): void;
}

/**
 * What every HTTP/2 connection of ours does whatever its streams are (RFC 9113): it reads frames
 * off its socket, puts header sections together, answers PING and SETTINGS, refuses pushes, and
 * ends with a GOAWAY where the other side breaks the rules.
 *
 *   open -> closed [close, destroy, or the socket is lost]
 */
export class FramedConnection implements FrameTaker {
  readonly #socket: Duplex;
  readonly #end: ConnectionEnd;
  readonly #reader: FrameReader;
  readonly #headerSections = new HeaderSections();
  #state: "open" | "closed" = "open";
  #reached: boolean;
  #prefaceLeft: number;
  /** Answers that the socket has not taken yet. */
  #unreadAnswerBytes = 0;
  #linger: NodeJS.Timeout | undefined;

  /** `dataFrameBytesMax` is what this end announces as SETTINGS_MAX_FRAME_SIZE. */
  constructor(
    socket: Duplex & { readonly connecting?: boolean },
    end: ConnectionEnd,
    dataFrameBytesMax: number,
  ) {
    this.#socket = socket;
    this.#end = end;
    this.#reader = new FrameReader(this, dataFrameBytesMax);
    this.#prefaceLeft = end.side === "plugin" ? preface.length : 0;
    this.#reached = socket.connecting !== true;
    if (!this.#reached) {
      socket.once("encrypted" in socket ? "secureConnect" : "connect", () => {
        this.#reached = true;
      });
    }
    socket.on("data", (octets: Buffer) => this.read(octets));
    socket.on("error", (error) => this.#lose(error));
    socket.on("end", () => this.#lose(undefined));
    socket.on("close", () => {
      clearTimeout(this.#linger);
      this.#lose(undefined);
    });
  }

  /** Whether nothing goes either way any more. */
  get closed(): boolean {
    return this.#state === "closed";
  }

  /** Whether the socket was connected, so that the other side may have read something. */
  get reached(): boolean {
    return this.#reached;
  }

  /** Takes bytes that came, in order. */
  read(octets: Buffer): void {
    if (this.#state === "closed") {
      return;
    }
    try {
      this.#reader.push(this.#prefaceLeft === 0 ? octets : this.#afterPreface(octets));
    } catch (error) {
      this.#violate(error);
    }
  }

  /** Closes the connection; what was written still goes, for a moment. */
  close(error: ServeHTTPError | undefined): void {
    if (this.#state === "closed") {
      return;
    }
    this.#state = "closed";
    this.#reader.close();
    const socket = this.#socket;
    if (!socket.destroyed) {
      // To close before the other side has read could take what was written away again, by a reset:
      // so its bytes are read.
      socket.end();
      socket.resume();
      this.lingerThen(() => socket.destroy());
    }
    this.#end.onClosed(error);
  }

  /** Closes the connection at once. */
  destroy(error: ServeHTTPError | undefined): void {
    this.#socket.destroy();
    this.close(error);
  }

  /** Calls `giveUp` unless the connection closes within a moment. */
  lingerThen(giveUp: () => void): void {
    clearTimeout(this.#linger);
    this.#linger = setTimeout(giveUp, lingerMs);
    this.#linger.unref();
  }

  /** Answers what the other side may ask for without end. @throws Http2Error */
  answer(octets: Buffer): void {
    if (this.#state === "closed") {
      return;
    }
    this.#unreadAnswerBytes += octets.length;
    if (this.#unreadAnswerBytes > unreadAnswerBytesMax) {
      throw new Http2Error(errorCode.enhanceYourCalm, "answers that nobody reads");
    }
    this.#socket.write(octets, () => {
      this.#unreadAnswerBytes -= octets.length;
    });
  }

  beginData(streamId: number, bytes: number): void {
    this.#checkWhole(frameType.data);
    this.#end.beginData(streamId, bytes);
  }

  takeData(streamId: number, octets: Buffer): void {
    this.#end.takeData(streamId, octets);
  }

  endData(streamId: number, flags: number): void {
    if (this.#state === "open") {
      this.#end.endData(streamId, flags);
    }
  }

  takeFrame(type: number, flags: number, streamId: number, payload: Buffer): void {
    this.#checkWhole(type);
    switch (type) {
      case frameType.headers:
      case frameType.continuation: {
        const section =
          type === frameType.headers
            ? this.#headerSections.begin(flags, streamId, payload)
            : this.#headerSections.goOn(flags, streamId, payload);
        if (section !== undefined) {
          const ends = (section.flags & frameFlag.endStream) !== 0;
          this.#end.takeSection(section.streamId, section.block, ends);
        }
        break;
      }
      case frameType.settings:
        this.#takeSettings(flags, payload);
        break;
      case frameType.ping:
        if ((flags & frameFlag.ack) === 0) {
          this.answer(frame(frameType.ping, frameFlag.ack, 0, payload));
        }
        break;
      case frameType.windowUpdate:
        this.#end.takeWindowUpdate(streamId, payload.readUInt32BE(0) & windowBytesMax);
        break;
      case frameType.rstStream:
        this.#end.takeReset(streamId, payload.readUInt32BE(0));
        break;
      case frameType.goaway:
        this.#end.takeGoaway(payload.readUInt32BE(0) & windowBytesMax, payload.readUInt32BE(4));
        break;
      case frameType.pushPromise:
        throw new Http2Error(errorCode.protocolError, "PUSH_PROMISE, though none was allowed");
      default:
      // PRIORITY, and what is not known: ignored (section 4.1).
    }
  }

  /** Nothing comes between the frames of a header section (section 6.10). */
  #checkWhole(type: number): void {
    if (this.#headerSections.within && type !== frameType.continuation) {
      throw new Http2Error(errorCode.protocolError, "a frame within a header section");
    }
  }

  #takeSettings(flags: number, payload: Buffer): void {
    if ((flags & frameFlag.ack) !== 0) {
      this.#end.settingsTaken();
      return;
    }
    this.#end.takeSettings(payload);
    this.answer(settingsAck);
    this.#end.settingsAnswered();
  }

  #afterPreface(octets: Buffer): Buffer {
    const bytes = Math.min(this.#prefaceLeft, octets.length);
    const begin = preface.length - this.#prefaceLeft;
    if (!octets.subarray(0, bytes).equals(preface.subarray(begin, begin + bytes))) {
      throw new Http2Error(errorCode.protocolError, "no HTTP/2 preface");
    }
    this.#prefaceLeft -= bytes;
    return octets.subarray(bytes);
  }

  #violate(thrown: unknown): void {
    const code =
      thrown instanceof Http2Error
        ? thrown.code
        : thrown instanceof HpackError
          ? errorCode.compressionError
          : undefined;
    if (code === undefined) {
      this.destroy(ServeHTTPError.from(thrown));
      return;
    }
    const message = `the other side broke HTTP/2: ${(thrown as Error).message}`;
    this.#socket.write(goawayFrame(this.#end.lastStreamId, code));
    this.close(new ServeHTTPError("protocol-violation", message, { cause: thrown }));
  }

  #lose(cause: Error | undefined): void {
    if (this.#state === "open") {
      const why = cause === undefined ? "it was closed" : cause.message;
      this.destroy(
        this.#reached
          ? connectionLost(`${this.#end.what} was lost: ${why}`, cause)
          : new ServeHTTPError("unavailable", `${this.#end.what} could not be made: ${why}`, {
              cause,
            }),
      );
    }
  }
}

const settingsAck = frame(frameType.settings, frameFlag.ack, 0, Buffer.alloc(0));

/** That a connection is gone, with its exchanges. */
export function connectionLost(message: string, cause?: Error): ServeHTTPError {
  return new ServeHTTPError(
    "connection-lost",
    message,
    cause === undefined ? undefined : { cause },
  );
}
