import type { Duplex } from "node:stream";
import { ServeHTTPError } from "@servehttp/contract";
import { decodeFields, encodeFields, type HeaderFields, HpackError } from "./hpack.js";
import {
  Http2Error,
  Http2FrameReader,
  type Http2FrameTaker,
  withoutPadding,
} from "./http2-frame-reader.js";
import {
  errorCode,
  frame,
  frameFlag,
  frameHeadBytes,
  frameType,
  goawayFrame,
  initialWindowBytes,
  preface,
  rstStreamFrame,
  settingId,
  settingsFrame,
  windowBytesMax,
  windowUpdateFrame,
} from "./http2-frames.js";
import { RpcOutlet } from "./rpc-outlet.js";
import type { RpcListener, RpcStream } from "./rpc-stream.js";

/**
 * What the other side may send before it hears that it was read: 16 MiB. Octets are read as they come, and what keeps an
 * exchange's sender waiting is its own credit, so this only must never be the narrow place.
 */
export const rpcWindowBytes = 16_777_216;

/** The longest DATA frame that is taken: a batch of mux, which is at most 1 MiB, as one. */
const dataFrameBytesMax = 1_114_112;

/** Header sections in all their frames. They hold a status and a token. */
const headerBlockBytesMax = 16_384;

/** Who asks for so many answers (to PING and SETTINGS) without reading them is cut off. */
const unreadAnswerBytesMax = 1_048_576;

/** How long a connection that is done with may take to bring its last octets to the other side. */
const lingerMs = 1_000;

/** The one stream of the connection. */
const streamId = 1;

/**
 * An HTTP/2 connection (RFC 9113) of one RPC. It speaks to every HTTP/2 peer, and does nothing that one RPC has no need of:
 * no priorities, no table of header fields, no second stream. What `node:http2` can't: it reads whatever happens to what it
 * writes, so that two ends never wait for each other; it hands on what a read brought, not what a frame of 16 KiB held; and a batch
 * costs one write. `npm run bench -- --case get,echo,up,down` shows what that is worth.
 *
 *   open -> closed [#close: both ways have ended, either was given up, the connection is lost]
 */
export class RpcConnection implements RpcStream, Http2FrameTaker {
  readonly headroomBytes = frameHeadBytes;
  readonly #socket: Duplex;
  readonly #end: "host" | "plugin";
  readonly #outlet: RpcOutlet;
  readonly #reader = new Http2FrameReader(this, dataFrameBytesMax);
  #listener: RpcListener | undefined;
  #state: "open" | "closed" = "open";
  /** Our way: open -> ending [end: what waits goes first] -> ended */
  #sending: "open" | "ending" | "ended" = "open";
  /** Theirs: head -> open [their header section] -> ended */
  #receiving: "head" | "open" | "ended" = "head";
  #trailers: HeaderFields | undefined;
  /** What has come since they last heard of it, on the stream and beside it. */
  #unreportedStreamBytes = 0;
  #unreportedBytes = 0;
  #prefaceLeft: number;
  /** A header section that goes on in CONTINUATION frames. */
  #headerBlock: { readonly flags: number; readonly streamId: number; octets: Buffer } | undefined;
  #linger: NodeJS.Timeout | undefined;

  private constructor(socket: Duplex, end: "host" | "plugin") {
    this.#socket = socket;
    this.#end = end;
    this.#outlet = new RpcOutlet(socket, streamId);
    this.#prefaceLeft = end === "plugin" ? preface.length : 0;
    socket.on("data", (octets: Buffer) => this.#onData(octets));
    socket.on("error", (error) => this.#lose(error));
    socket.on("end", () => this.#lose(undefined));
    socket.on("close", () => {
      clearTimeout(this.#linger);
      this.#lose(undefined);
    });
  }

  /**
   * Opens the RPC at the host's end, over a socket that may still be connecting. `fields` are those of its request, the
   * pseudo-header fields first.
   */
  static open(socket: Duplex, fields: HeaderFields): RpcConnection {
    const connection = new RpcConnection(socket, "host");
    socket.write(
      Buffer.concat([
        preface,
        settingsFrame([...settings, [settingId.enablePush, 0]]),
        windowUpdateFrame(0, rpcWindowBytes - initialWindowBytes),
        frame(frameType.headers, frameFlag.endHeaders, streamId, encodeFields(fields)),
      ]),
    );
    return connection;
  }

  /**
   * Takes an RPC at the plugin's end. `fields` are those of the response. Once somebody listens, `start` is given what was read of
   * the connection.
   */
  static accept(socket: Duplex, fields: HeaderFields): RpcConnection {
    const connection = new RpcConnection(socket, "plugin");
    socket.write(
      Buffer.concat([
        settingsFrame([...settings, [settingId.maxConcurrentStreams, 1]]),
        windowUpdateFrame(0, rpcWindowBytes - initialWindowBytes),
        frame(frameType.headers, frameFlag.endHeaders, streamId, encodeFields(fields)),
      ]),
    );
    return connection;
  }

  /** Whether nothing goes either way any more. */
  get closed(): boolean {
    return this.#state === "closed";
  }

  listen(listener: RpcListener): void {
    this.#listener = listener;
  }

  /** Reads what came before the connection was this one's. */
  start(octets: Buffer): void {
    this.#onData(octets);
    this.#socket.resume();
  }

  write(segments: Buffer[], onWritten: () => void): void {
    if (this.#state === "closed" || this.#sending !== "open") {
      return;
    }
    this.#outlet.write(segments, onWritten);
  }

  end(trailers: HeaderFields = {}): void {
    if (this.#state === "closed" || this.#sending !== "open") {
      return;
    }
    this.#trailers = trailers;
    this.#sending = "ending";
    this.#sendEndIfDue();
  }

  cancel(): void {
    if (this.#state === "open") {
      this.#socket.write(rstStreamFrame(streamId, errorCode.cancel));
      this.#close(undefined);
    }
  }

  /** Closes the connection at once. */
  destroy(): void {
    this.#socket.destroy();
    this.#close(undefined);
  }

  beginData(id: number, bytes: number): void {
    this.#unreportedBytes += bytes;
    if (id === streamId) {
      this.#unreportedStreamBytes += bytes;
    }
    if (this.#unreportedBytes > rpcWindowBytes) {
      throw new Http2Error(errorCode.flowControlError, "more octets than the window allows");
    }
    if (this.#receiving === "head") {
      throw new Http2Error(errorCode.protocolError, "DATA before HEADERS");
    }
  }

  takeData(id: number, octets: Buffer): void {
    if (id === streamId && this.#receiving === "open") {
      this.#listener?.receiveData(octets);
    }
  }

  endData(id: number, flags: number): void {
    if (2 * this.#unreportedBytes > rpcWindowBytes && this.#state === "open") {
      this.#socket.write(windowUpdateFrame(0, this.#unreportedBytes));
      this.#unreportedBytes = 0;
      if (this.#unreportedStreamBytes > 0) {
        this.#socket.write(windowUpdateFrame(streamId, this.#unreportedStreamBytes));
        this.#unreportedStreamBytes = 0;
      }
    }
    if (id === streamId && (flags & frameFlag.endStream) !== 0) {
      this.#receiveEnd({});
    }
  }

  takeFrame(type: number, flags: number, id: number, payload: Buffer): void {
    if (this.#headerBlock !== undefined && type !== frameType.continuation) {
      throw new Http2Error(errorCode.protocolError, "a frame within a header section");
    }
    switch (type) {
      case frameType.headers:
        this.#takeHeaders(flags, id, withoutPriority(withoutPadding(payload, flags), flags));
        break;
      case frameType.continuation:
        this.#takeContinuation(flags, id, payload);
        break;
      case frameType.settings:
        this.#takeSettings(flags, payload);
        break;
      case frameType.ping:
        this.#takePing(flags, payload);
        break;
      case frameType.windowUpdate:
        this.#takeWindowUpdate(id, payload);
        break;
      case frameType.rstStream:
        if (id === streamId) {
          this.#close(this.#resetError(payload));
        }
        break;
      case frameType.goaway:
        this.#listener?.receiveGoaway();
        break;
      case frameType.pushPromise:
        throw new Http2Error(errorCode.protocolError, "PUSH_PROMISE, though none was allowed");
      default:
      // PRIORITY, and what is not known: ignored (section 4.1).
    }
  }

  #takeHeaders(flags: number, id: number, block: Buffer): void {
    if ((flags & frameFlag.endHeaders) === 0) {
      this.#headerBlock = { flags, streamId: id, octets: block };
    } else {
      this.#takeFields(flags, id, block);
    }
  }

  #takeContinuation(flags: number, id: number, payload: Buffer): void {
    const begun = this.#headerBlock;
    if (begun === undefined || begun.streamId !== id) {
      throw new Http2Error(errorCode.protocolError, "CONTINUATION of no header section");
    }
    if (payload.length === 0 && (flags & frameFlag.endHeaders) === 0) {
      throw new Http2Error(errorCode.enhanceYourCalm, "an empty CONTINUATION");
    }
    begun.octets = Buffer.concat([begun.octets, payload]);
    if (begun.octets.length > headerBlockBytesMax) {
      throw new Http2Error(errorCode.enhanceYourCalm, "a header section that is too large");
    }
    if ((flags & frameFlag.endHeaders) !== 0) {
      this.#headerBlock = undefined;
      this.#takeFields(begun.flags, id, begun.octets);
    }
  }

  #takeFields(flags: number, id: number, block: Buffer): void {
    if (id !== streamId) {
      // This connection is for one RPC. No table was changed by the fields of the other one.
      this.#answer(rstStreamFrame(id, errorCode.refusedStream));
      return;
    }
    const fields = decodeFields(block);
    const ends = (flags & frameFlag.endStream) !== 0;
    if (this.#receiving === "head") {
      const status = fields[":status"];
      if (status?.length === 3 && status.startsWith("1")) {
        return;
      }
      this.#receiving = "open";
      if (this.#end === "host") {
        this.#listener?.receiveHead(fields);
      }
      if (ends) {
        this.#receiveEnd(fields);
      }
    } else if (!ends) {
      throw new Http2Error(errorCode.protocolError, "a second header section that ends nothing");
    } else if (this.#receiving === "open") {
      this.#receiveEnd(fields);
    }
  }

  #receiveEnd(trailers: HeaderFields): void {
    if (this.#receiving === "ended" || this.#state === "closed") {
      return;
    }
    this.#receiving = "ended";
    this.#listener?.receiveEnd(trailers);
    this.#closeWhenDone();
  }

  #takeSettings(flags: number, payload: Buffer): void {
    if ((flags & frameFlag.ack) !== 0) {
      return;
    }
    if (payload.length % 6 !== 0) {
      throw new Http2Error(errorCode.frameSizeError, "SETTINGS of a length that they can't have");
    }
    for (let at = 0; at < payload.length; at += 6) {
      const id = payload.readUInt16BE(at);
      const value = payload.readUInt32BE(at + 2);
      if (id === settingId.initialWindowSize) {
        this.#outlet.setInitialWindow(value);
      } else if (id === settingId.maxFrameSize) {
        this.#outlet.setFrameBytesMax(value);
      }
    }
    this.#answer(frame(frameType.settings, frameFlag.ack, 0, nothing));
    this.#sendEndIfDue();
  }

  #takePing(flags: number, payload: Buffer): void {
    if (payload.length !== 8) {
      throw new Http2Error(errorCode.frameSizeError, "a PING that is not of 8 octets");
    }
    if ((flags & frameFlag.ack) === 0) {
      this.#answer(frame(frameType.ping, frameFlag.ack, 0, payload));
    }
  }

  #takeWindowUpdate(id: number, payload: Buffer): void {
    if (payload.length !== 4) {
      throw new Http2Error(errorCode.frameSizeError, "a WINDOW_UPDATE that is not of 4 octets");
    }
    const bytes = payload.readUInt32BE(0) & windowBytesMax;
    if (id === 0) {
      this.#outlet.widen("connection", bytes);
    } else if (id === streamId) {
      this.#outlet.widen("stream", bytes);
    }
    this.#sendEndIfDue();
  }

  #resetError(payload: Buffer): ServeHTTPError {
    const code = payload.length === 4 ? payload.readUInt32BE(0) : -1;
    return lost(`the other side reset the RPC with HTTP/2 error code ${code}`);
  }

  /** Answers what the other side may ask for without end. */
  #answer(octets: Buffer): void {
    if (this.#state === "closed") {
      return;
    }
    if (this.#socket.writableLength > unreadAnswerBytesMax) {
      throw new Http2Error(errorCode.enhanceYourCalm, "answers that nobody reads");
    }
    this.#socket.write(octets);
  }

  #sendEndIfDue(): void {
    if (this.#sending !== "ending" || this.#outlet.waits || this.#state === "closed") {
      return;
    }
    this.#sending = "ended";
    const trailers = this.#trailers ?? {};
    const flags = frameFlag.endStream;
    this.#socket.write(
      this.#end === "host"
        ? frame(frameType.data, flags, streamId, nothing)
        : frame(frameType.headers, flags | frameFlag.endHeaders, streamId, encodeFields(trailers)),
    );
    this.#closeWhenDone();
  }

  /** A plugin that has ended its way needs nothing of the host's; a host waits for the plugin's status. */
  #closeWhenDone(): void {
    if (this.#sending === "ended" && (this.#receiving === "ended" || this.#end === "plugin")) {
      this.#close(undefined);
    }
  }

  #onData(octets: Buffer): void {
    if (this.#state === "closed") {
      return;
    }
    try {
      this.#reader.push(this.#prefaceLeft === 0 ? octets : this.#afterPreface(octets));
    } catch (error) {
      this.#violate(error);
    }
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
      this.#socket.destroy();
      this.#close(ServeHTTPError.from(thrown));
      return;
    }
    const message = `the other side broke HTTP/2: ${(thrown as Error).message}`;
    this.#socket.write(goawayFrame(this.#end === "plugin" ? streamId : 0, code));
    this.#close(new ServeHTTPError("protocol-violation", message, { cause: thrown }));
  }

  #lose(cause: Error | undefined): void {
    if (this.#state === "open") {
      this.#socket.destroy();
      const why = cause === undefined ? "it was closed" : cause.message;
      this.#close(lost(`the connection of the mux RPC was lost: ${why}`, cause));
    }
  }

  /** What was written still goes, for a moment. */
  #close(error: ServeHTTPError | undefined): void {
    if (this.#state === "closed") {
      return;
    }
    this.#state = "closed";
    this.#outlet.close();
    this.#reader.close();
    const socket = this.#socket;
    if (!socket.destroyed) {
      // To close before the other side has read could take what was written away again, by a reset: so its octets are read.
      socket.end();
      socket.resume();
      this.#linger = setTimeout(() => socket.destroy(), lingerMs);
      this.#linger.unref();
    }
    this.#listener?.closed(error);
  }
}

const nothing = Buffer.alloc(0);

const settings: readonly (readonly [number, number])[] = [
  [settingId.headerTableSize, 0],
  [settingId.initialWindowSize, rpcWindowBytes],
  [settingId.maxFrameSize, dataFrameBytesMax],
  [settingId.maxHeaderListSize, headerBlockBytesMax],
];

function lost(message: string, cause?: Error): ServeHTTPError {
  return new ServeHTTPError(
    "connection-lost",
    message,
    cause === undefined ? undefined : { cause },
  );
}

/** HEADERS may say how urgent they are (RFC 9113, section 6.2): nobody asks any more. */
export function withoutPriority(payload: Buffer, flags: number): Buffer {
  if ((flags & frameFlag.priority) === 0) {
    return payload;
  }
  if (payload.length < 5) {
    throw new Http2Error(errorCode.frameSizeError, "HEADERS that are too short for a priority");
  }
  return payload.subarray(5);
}
