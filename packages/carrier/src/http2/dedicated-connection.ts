import type { Duplex } from "node:stream";
import { ServeHTTPError } from "@servehttp/contract";
import type { HeaderFields } from "../wire/header-fields.js";
import { decodeFields, encodeFields, HpackError } from "./hpack.js";
import { type HeaderSection, HeaderSections } from "./header-sections.js";
import { Http2Error } from "./http2-error.js";
import { FrameReader, type FrameTaker } from "./frame-reader.js";
import {
  errorCode,
  frame,
  frameFlag,
  frameHeadBytes,
  frameType,
  goawayFrame,
  preface,
  rpcStreamId as streamId,
  rstStreamFrame,
  windowBytesMax,
} from "./frames.js";
import { dataFrameBytesMax, hostPreface, pluginPreface } from "./connection-preface.js";
import { FrameWriter } from "./frame-writer.js";
import type { RpcListener, RpcStream } from "../mux/rpc-stream.js";
import { FlowWindow } from "./flow-window.js";

/** Who asks for so many answers (to PING and SETTINGS) without reading them is cut off: thousands. */
const unreadAnswerBytesMax = 65_536;

/** How long a connection that is done with may take to bring its last bytes to the other side. */
const lingerMs = 1_000;

/**
 * An HTTP/2 connection (RFC 9113) of one RPC. It speaks to every HTTP/2 peer, and does nothing that one RPC has no need of:
 * no priorities, no table of header fields, no second stream. What `node:http2` can't: it reads whatever happens to what it
 * writes, so that two ends never wait for each other; it hands on what a read brought, not what a frame of 16 KiB held; and a batch
 * costs one write. `npm run bench -- --case get,echo,up,down` shows what that is worth.
 *
 *   open -> closed [#close: both ways have ended, either was given up, the connection is lost]
 */
export class DedicatedConnection implements RpcStream, FrameTaker {
  readonly headroomBytes = frameHeadBytes;
  readonly #socket: Duplex;
  readonly #end: "host" | "plugin";
  readonly #frameWriter: FrameWriter;
  readonly #window = new FlowWindow(streamId);
  readonly #reader = new FrameReader(this, dataFrameBytesMax);
  readonly #headerSections = new HeaderSections();
  #listener: RpcListener | undefined;
  #state: "open" | "closed" = "open";
  /** Our way: open -> ending [end: what waits goes first] -> ended */
  #sending: "open" | "ending" | "ended" = "open";
  /** Theirs: head -> open [their header section] -> ended */
  #receiving: "head" | "open" | "ended" = "head";
  #prefaceLeft: number;
  /** Answers that the socket has not taken yet. */
  #unreadAnswerBytes = 0;
  #linger: NodeJS.Timeout | undefined;

  private constructor(socket: Duplex, end: "host" | "plugin") {
    this.#socket = socket;
    this.#end = end;
    this.#frameWriter = new FrameWriter(socket, streamId);
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
  static open(socket: Duplex, fields: HeaderFields): DedicatedConnection {
    const connection = new DedicatedConnection(socket, "host");
    socket.write(hostPreface(fields));
    return connection;
  }

  /**
   * Takes an RPC at the plugin's end. `fields` are those of the response. Once somebody listens, `start` is given what was read of
   * the connection.
   */
  static accept(socket: Duplex, fields: HeaderFields): DedicatedConnection {
    const connection = new DedicatedConnection(socket, "plugin");
    socket.write(pluginPreface(fields));
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
    this.#frameWriter.write(segments, onWritten);
  }

  end(trailers: HeaderFields = {}): void {
    if (this.#state === "closed" || this.#sending !== "open") {
      return;
    }
    this.#sending = "ending";
    this.#frameWriter.end(lastFrame(this.#end, trailers), () => {
      this.#sending = "ended";
      this.#closeWhenDone();
    });
    if (this.#frameWriter.waits) {
      // A message of an RPC that failed: whoever does not read that won't read why.
      this.#lingerThen(() => this.cancel());
    }
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
    this.#checkWhole(frameType.data);
    this.#window.take(id, bytes);
    this.#checkStream(id);
    if (this.#receiving === "head") {
      throw new Http2Error(errorCode.protocolError, "DATA before HEADERS");
    }
  }

  takeData(id: number, octets: Buffer): void {
    if (id === streamId) {
      this.#listener?.receiveData(octets);
    }
  }

  endData(id: number, flags: number): void {
    if (this.#state === "closed") {
      return;
    }
    const update = this.#window.update();
    if (update !== undefined) {
      this.#socket.write(update);
    }
    if (id === streamId && (flags & frameFlag.endStream) !== 0) {
      this.#receiveEnd({});
    }
  }

  takeFrame(type: number, flags: number, id: number, payload: Buffer): void {
    this.#checkWhole(type);
    switch (type) {
      case frameType.headers:
        this.#takeSection(this.#headerSections.begin(flags, id, payload));
        break;
      case frameType.continuation:
        this.#takeSection(this.#headerSections.goOn(flags, id, payload));
        break;
      case frameType.settings:
        this.#takeSettings(flags, payload);
        break;
      case frameType.ping:
        if ((flags & frameFlag.ack) === 0) {
          this.#answer(frame(frameType.ping, frameFlag.ack, 0, payload));
        }
        break;
      case frameType.windowUpdate:
        this.#takeWindowUpdate(id, payload.readUInt32BE(0) & windowBytesMax);
        break;
      case frameType.rstStream:
        if (id === streamId) {
          const code = payload.readUInt32BE(0);
          this.#close(lost(`the other side reset the RPC with HTTP/2 error code ${code}`));
        }
        break;
      case frameType.goaway:
        this.#takeGoaway(payload.readUInt32BE(0) & windowBytesMax);
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

  /** Only a host opens streams, with odd numbers; and nothing comes behind the end of one (section 5.1). */
  #checkStream(id: number): void {
    if (id !== streamId) {
      if (this.#end === "host" || id % 2 === 0) {
        throw new Http2Error(errorCode.protocolError, `a frame on stream ${id}`);
      }
    } else if (this.#receiving === "ended") {
      throw new Http2Error(errorCode.streamClosed, "a frame behind the end of the stream");
    }
  }

  #takeSection(section: HeaderSection | undefined): void {
    if (section === undefined) {
      return;
    }
    this.#checkStream(section.streamId);
    if (section.streamId !== streamId) {
      // This connection is for one RPC. No table was changed by the fields of the other one.
      this.#answer(rstStreamFrame(section.streamId, errorCode.refusedStream));
      return;
    }
    this.#takeFields(decodeFields(section.block), (section.flags & frameFlag.endStream) !== 0);
  }

  #takeFields(fields: HeaderFields, ends: boolean): void {
    if (this.#receiving === "open") {
      if (!ends) {
        throw new Http2Error(errorCode.protocolError, "a second header section that ends nothing");
      }
      this.#receiveEnd(fields);
      return;
    }
    if (this.#end === "host" && /^1\d\d$/.test(fields[":status"] ?? "")) {
      if (ends) {
        throw new Http2Error(errorCode.protocolError, "an informational response as the last");
      }
      return;
    }
    this.#receiving = "open";
    if (this.#end === "host") {
      this.#listener?.receiveHead(fields);
    }
    if (ends) {
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
    if (this.#end === "host") {
      // With its status the RPC is over: the plugin needs nothing of what still waits.
      this.cancel();
    }
  }

  #takeSettings(flags: number, payload: Buffer): void {
    if ((flags & frameFlag.ack) === 0) {
      this.#frameWriter.takeSettings(payload);
      this.#answer(frame(frameType.settings, frameFlag.ack, 0, nothing));
      this.#frameWriter.sendWaiting();
    }
  }

  #takeWindowUpdate(id: number, bytes: number): void {
    if (id === 0) {
      this.#frameWriter.widen("connection", bytes);
    } else if (id === streamId) {
      this.#frameWriter.widen("stream", bytes);
    }
  }

  /** A plugin that goes has taken the RPC, or never will (section 6.8). */
  #takeGoaway(lastStreamId: number): void {
    if (this.#end === "host" && lastStreamId < streamId) {
      this.#close(lost("the other side was going, and took no RPC any more"));
    } else {
      this.#listener?.receiveGoaway();
    }
  }

  /** Answers what the other side may ask for without end. */
  #answer(octets: Buffer): void {
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
    this.#frameWriter.close();
    this.#reader.close();
    const socket = this.#socket;
    if (!socket.destroyed) {
      // To close before the other side has read could take what was written away again, by a reset: so its bytes are read.
      socket.end();
      socket.resume();
      this.#lingerThen(() => socket.destroy());
    }
    this.#listener?.closed(error);
  }

  #lingerThen(giveUp: () => void): void {
    clearTimeout(this.#linger);
    this.#linger = setTimeout(giveUp, lingerMs);
    this.#linger.unref();
  }
}

const nothing = Buffer.alloc(0);

/** By which an end ends its way: the host's bare, the plugin's with trailers. */
function lastFrame(end: "host" | "plugin", trailers: HeaderFields): Buffer {
  const flags = frameFlag.endStream;
  return end === "host"
    ? frame(frameType.data, flags, streamId, nothing)
    : frame(frameType.headers, flags | frameFlag.endHeaders, streamId, encodeFields(trailers));
}

function lost(message: string, cause?: Error): ServeHTTPError {
  return new ServeHTTPError(
    "connection-lost",
    message,
    cause === undefined ? undefined : { cause },
  );
}
