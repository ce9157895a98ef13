import type { Duplex } from "node:stream";
import { ServeHTTPError } from "@servehttp/contract";
import {
  hostConnectionWindowBytes,
  hostStreamWindowBytes,
  streamResetsBurst,
  streamsBeforeSettingsMax,
  unseenResetsMax,
  uploadWindowBytesMin,
} from "../limits.js";
import { ConnectionOutput } from "./connection-output.js";
import { type ConnectionEnd, connectionLost, FramedConnection } from "./framed-connection.js";
import {
  errorCode,
  frameHeadBytes,
  goawayFrame,
  initialFrameBytesMax,
  initialWindowBytes,
  preface,
  rstStreamFrame,
  settingBytes,
  settingId,
  settingsFrame,
  windowBytesMax,
  windowUpdateFrame,
} from "./frames.js";
import { HeaderCache } from "./header-cache.js";
import { headerBlockBytesMax } from "./header-sections.js";
import { HostStream, type HostStreamConnection, type HostStreamListener } from "./host-stream.js";
import { initialTableBytes } from "./hpack.js";
import { Http2Error } from "./http2-error.js";
import type { HeadersForm, RequestHeaders } from "./request-headers.js";
import { ResetBudget } from "./reset-budget.js";
import type { StreamOutput } from "./stream-output.js";

/** The longest DATA frame that is taken: what Node and most others send. */
const dataFrameBytesMax = initialFrameBytesMax;

/** A client's streams have odd numbers below this (RFC 9113, section 5.1.1). */
const streamIdMax = windowBytesMax;

/** Who keeps the connection. */
export interface HostConnectionOwner {
  /** The peer's SETTINGS have come: it speaks HTTP/2, and what it allows is known. */
  connectionReady(connection: HostConnection): void;
  /** It takes no more streams; those that it has may end. */
  connectionDraining(connection: HostConnection): void;
  /** No stream is open any more. */
  connectionIdle(connection: HostConnection): void;
  /** The connection is over, and all streams have been told. */
  connectionClosed(connection: HostConnection, error: ServeHTTPError | undefined): void;
}

/** What is known of a stream that is to be opened. */
export interface StreamPlan {
  /** Bytes of its first message. */
  readonly firstBytes: number;
  /** Bytes that may follow, at the most; 0 where the first message is all. */
  readonly moreBytes: number;
}

/**
 * The host's end of an HTTP/2 connection (RFC 9113) with many streams, each one RPC with the same
 * request header fields.
 *
 *   open     -> draining [GOAWAY without an error, retire]
 *   open     -> closed   [the socket is lost, the peer breaks the rules, destroy]
 *   draining -> closed   [the last stream ended, or as above]
 */
export class HostConnection implements ConnectionEnd, HostStreamConnection {
  readonly side = "host";
  readonly what = "a connection to the plugin";
  readonly lastStreamId = 0;
  readonly #owner: HostConnectionOwner;
  readonly #connection: FramedConnection;
  readonly #output: ConnectionOutput;
  readonly #headerCache = new HeaderCache();
  readonly #resetBudget: ResetBudget;
  /** HEADERS as every stream begins with them, but for its number. */
  readonly #headers: RequestHeaders;
  #headersForm: HeadersForm = "literal";
  readonly #streams = new Map<number, HostStream>();
  #state: "open" | "draining" | "closed" = "open";
  #settled = false;
  #nextId = 1;
  #streamsMax = streamsBeforeSettingsMax;
  /** Bytes that came and were not given back to the connection's window. */
  #takenBytes = 0;
  /** The stream of the DATA frame that comes. */
  #dataStream: HostStream | undefined;
  /** The peer has read everything up to this stream. */
  #seenStreamId = 0;
  #unseenResets = 0;
  /** Resets that wait until the peer has shown how far it has read. */
  #heldResets: { readonly stream: HostStream; readonly code: number }[] = [];
  #settingsSent = 1;
  /** The last stream in front of SETTINGS that were sent to learn how far the peer has read. */
  #askedStreamId: number | undefined;

  /**
   * Begins a connection over a socket that may still be connecting. `headers` is what each
   * stream begins with; `nowMs` is a clock that only goes forward.
   */
  constructor(
    socket: Duplex,
    headers: RequestHeaders,
    owner: HostConnectionOwner,
    nowMs: () => number,
  ) {
    this.#owner = owner;
    this.#headers = headers;
    this.#resetBudget = new ResetBudget(nowMs);
    this.#output = new ConnectionOutput(socket);
    this.#connection = new FramedConnection(socket, this, dataFrameBytesMax);
    socket.write(connectionPreface);
  }

  get state(): "open" | "draining" | "closed" {
    return this.#state;
  }

  /** Streams that are open. */
  get streamCount(): number {
    return this.#streams.size;
  }

  /** Whether the peer has said that it takes no streams at all. */
  get refusesAll(): boolean {
    return this.#streamsMax === 0;
  }

  /** What the peer lets each stream send before it reads. */
  get streamWindowBytes(): number {
    return this.#output.streamWindowBytes;
  }

  /**
   * Whether it is better replaced than kept: many resets lie behind it, or the peer kept the window
   * of streams that are over.
   */
  get isWorn(): boolean {
    return (
      this.#resetBudget.left * 2 < streamResetsBurst ||
      this.#output.windowBytes < uploadWindowBytesMin
    );
  }

  /**
   * Whether an upload can be opened beside others, with which it then shares the window of the
   * connection.
   */
  bearsUpload(): boolean {
    return (
      this.#state === "open" &&
      this.#streams.size < Math.min(this.#streamsMax, this.#resetBudget.left) &&
      this.#output.claimedBytes > 0 &&
      this.#output.windowBytes >= uploadWindowBytesMin
    );
  }

  /**
   * Whether a stream can be opened: the peer takes one more, it could be reset again, and it will
   * not have to wait for the window of the connection, nor make others wait, whatever becomes of
   * those that are open.
   */
  fits({ firstBytes, moreBytes }: StreamPlan): boolean {
    if (
      this.#state !== "open" ||
      this.#streams.size >= this.#streamsMax ||
      this.#streams.size >= this.#resetBudget.left
    ) {
      return false;
    }
    const { windowBytes, claimedBytes, streamWindowBytes } = this.#output;
    if (moreBytes === 0) {
      return windowBytes - claimedBytes >= firstBytes || this.#streams.size === 0;
    }
    const wantedBytes = Math.min(firstBytes + moreBytes, streamWindowBytes);
    return claimedBytes === 0
      ? windowBytes >= Math.min(wantedBytes, uploadWindowBytesMin)
      : windowBytes - claimedBytes >= wantedBytes;
  }

  /** Opens a stream. Its first message is to follow at once. Only where it `fits`. */
  open(listener: HostStreamListener, { firstBytes, moreBytes }: StreamPlan): HostStream {
    const stream = new HostStream(this, listener);
    stream.output.expectedBytes = firstBytes + moreBytes;
    return stream;
  }

  /** Bytes in front of the first message of the stream that is opened next. */
  get firstHeadroomBytes(): number {
    return this.#headers.frame(this.#headersForm).length + frameHeadBytes;
  }

  /** Opens no more streams, and closes the connection when those that are open are over. */
  retire(): void {
    if (this.#state === "open") {
      this.#state = "draining";
      this.#owner.connectionDraining(this);
      this.#closeWhenIdle();
    }
  }

  /** Closes the connection at once. Its streams are told why. */
  destroy(error: ServeHTTPError): void {
    this.#connection.destroy(error);
  }

  write(stream: HostStream, segments: readonly Buffer[], last: boolean): void {
    if (stream.id !== 0) {
      this.#output.write(stream.output, segments, frameHeadBytes, last);
      return;
    }
    const { output } = stream;
    output.streamId = this.#nextId;
    output.windowBytes = this.#output.streamWindowBytes;
    this.#nextId += 2;
    this.#streams.set(output.streamId, stream);
    const [first] = segments as [Buffer];
    const headers = this.#headers.frame(this.#headersForm);
    this.#headersForm = this.#headers.after(this.#headersForm);
    headers.copy(first);
    first.writeUInt32BE(output.streamId, streamIdOffset);
    this.#output.write(output, segments, headers.length + frameHeadBytes, last);
    if (this.#nextId >= streamIdMax) {
      this.retire();
    }
  }

  end(stream: HostStream): void {
    this.#output.end(stream.output);
  }

  expect(stream: HostStream, bytes: number): void {
    this.#output.expect(stream.output, bytes);
  }

  returnCredit(stream: HostStream, bytes: number): void {
    this.#output.push(windowUpdateFrame(stream.id, bytes));
  }

  resetStream(stream: HostStream, code: number): void {
    this.#output.drop(stream.output);
    if (this.#streams.get(stream.id) !== stream) {
      return;
    }
    if (stream.seen || stream.id <= this.#seenStreamId) {
      this.#sendReset(stream, code);
    } else if (this.#unseenResets < unseenResetsMax) {
      this.#unseenResets += 1;
      this.#sendReset(stream, code);
    } else {
      this.#heldResets.push({ stream, code });
      this.#askHowFar();
    }
  }

  forget(stream: HostStream): void {
    if (this.#streams.delete(stream.id) && this.#streams.size === 0 && this.#state !== "closed") {
      this.#owner.connectionIdle(this);
      this.#closeWhenIdle();
    }
  }

  beginData(id: number, bytes: number): void {
    this.#takenBytes += bytes;
    if (this.#takenBytes > hostConnectionWindowBytes) {
      throw new Http2Error(errorCode.flowControlError, "more bytes than the window allows");
    }
    this.#dataStream = this.#streamOf(id);
    this.#dataStream?.beginData(bytes);
  }

  takeData(_id: number, octets: Buffer): void {
    this.#dataStream?.takeData(octets);
  }

  endData(_id: number, flags: number): void {
    if (2 * this.#takenBytes > hostConnectionWindowBytes) {
      this.#output.push(windowUpdateFrame(0, this.#takenBytes));
      this.#takenBytes = 0;
    }
    const stream = this.#dataStream;
    this.#dataStream = undefined;
    stream?.endData(flags);
  }

  takeSection(id: number, block: Buffer, ends: boolean): void {
    // No table was changed by the fields of a stream that is over.
    this.#streamOf(id)?.takeFields(this.#headerCache.decode(block), ends);
  }

  takeSettings(payload: Buffer): void {
    // What was framed by the settings of before goes in front of their acknowledgement.
    this.#output.flush();
    let tableBytes = this.#settled ? undefined : initialTableBytes;
    let streamsMax = this.#settled ? this.#streamsMax : Number.POSITIVE_INFINITY;
    for (let at = 0; at < payload.length; at += settingBytes) {
      const id = payload.readUInt16BE(at);
      const value = payload.readUInt32BE(at + 2);
      if (id === settingId.maxConcurrentStreams) {
        streamsMax = value;
      } else if (id === settingId.headerTableSize) {
        tableBytes = value;
      } else if (id === settingId.initialWindowSize) {
        this.#output.setStreamWindow(value, this.#outputs());
      } else if (id === settingId.maxFrameSize) {
        this.#output.setFrameBytesMax(value);
      } else if (id === settingId.enablePush && value !== 0) {
        throw new Http2Error(errorCode.protocolError, "a server that asks for pushes");
      }
    }
    this.#streamsMax = streamsMax;
    if (tableBytes !== undefined) {
      this.#headersForm = this.#headers.afterSettings(this.#headersForm, tableBytes);
    }
  }

  settingsAnswered(): void {
    if (!this.#settled) {
      this.#settled = true;
      this.#owner.connectionReady(this);
    }
    this.#output.sendWaiting();
  }

  settingsTaken(): void {
    this.#settingsSent -= 1;
    if (this.#settingsSent === 0 && this.#askedStreamId !== undefined) {
      this.#seenStreamId = this.#askedStreamId;
      this.#askedStreamId = undefined;
      this.#unseenResets = 0;
      const held = this.#heldResets;
      this.#heldResets = [];
      for (const { stream, code } of held) {
        this.resetStream(stream, code);
      }
    }
  }

  takeWindowUpdate(id: number, bytes: number): void {
    if (id === 0) {
      this.#output.widen(bytes);
      return;
    }
    const stream = this.#streamOf(id);
    if (stream !== undefined) {
      stream.takeSign();
      this.#output.widenStream(stream.output, bytes);
    }
  }

  takeReset(id: number, code: number): void {
    const stream = this.#streamOf(id);
    if (stream !== undefined) {
      this.#output.drop(stream.output);
      // First: what the stream's owner does next may be to open another.
      this.forget(stream);
      stream.takeReset(code);
    }
  }

  takeGoaway(lastStreamId: number, code: number): void {
    if (this.#state === "open") {
      this.#state = "draining";
      this.#owner.connectionDraining(this);
    }
    const unprocessed = [...this.#streams.values()].filter(({ id }) => id > lastStreamId);
    const going = new ServeHTTPError("unavailable", "the plugin's server was going");
    for (const stream of unprocessed) {
      this.#lose(stream, going, true);
    }
    if (code === errorCode.noError) {
      this.#closeWhenIdle();
    } else {
      const message = `the plugin's server ended a connection with HTTP/2 error code ${code}`;
      this.#connection.close(connectionLost(message));
    }
  }

  onClosed(error: ServeHTTPError | undefined): void {
    this.#state = "closed";
    this.#output.close();
    const why = error ?? connectionLost(`${this.what} was closed`);
    const streams = [...this.#streams.values()];
    this.#streams.clear();
    this.#owner.connectionClosed(this, error);
    for (const stream of streams) {
      this.#lose(stream, why, !this.#connection.reached);
    }
  }

  /**
   * The stream that a frame is for; undefined for one that is over. @throws Http2Error where there
   * never was one
   */
  #streamOf(id: number): HostStream | undefined {
    const stream = this.#streams.get(id);
    if (stream === undefined && (id % 2 === 0 || id >= this.#nextId)) {
      throw new Http2Error(errorCode.protocolError, `a frame on stream ${id}`);
    }
    return stream;
  }

  *#outputs(): Iterable<StreamOutput> {
    for (const { output } of this.#streams.values()) {
      yield output;
    }
  }

  #lose(stream: HostStream, error: ServeHTTPError, unprocessed: boolean): void {
    this.#output.drop(stream.output);
    this.#streams.delete(stream.id);
    stream.lose(error, unprocessed);
  }

  #sendReset(stream: HostStream, code: number): void {
    this.#output.push(rstStreamFrame(stream.id, code));
    this.#resetBudget.take();
    this.forget(stream);
  }

  /**
   * Learns how far the peer has read by SETTINGS that say nothing, which every peer must
   * acknowledge. A PING would do the same, but gRPC's servers end a connection over a few of them.
   */
  #askHowFar(): void {
    if (this.#askedStreamId === undefined) {
      this.#askedStreamId = this.#nextId - 2;
      this.#settingsSent += 1;
      this.#output.push(noSettings);
    }
  }

  #closeWhenIdle(): void {
    if (this.#state === "draining" && this.#streams.size === 0) {
      this.#output.push(goodbye);
      this.#output.flush();
      this.#connection.close(undefined);
    }
  }
}

/** Where the number of the stream stands in the head of a frame. */
const streamIdOffset = 5;

const noSettings = settingsFrame([]);

const goodbye = goawayFrame(0, errorCode.noError);

/** What a connection begins with (RFC 9113, section 3.4). */
const connectionPreface = Buffer.concat([
  preface,
  settingsFrame([
    [settingId.headerTableSize, 0],
    [settingId.enablePush, 0],
    [settingId.initialWindowSize, hostStreamWindowBytes],
    [settingId.maxHeaderListSize, headerBlockBytesMax],
  ]),
  windowUpdateFrame(0, hostConnectionWindowBytes - initialWindowBytes),
]);
