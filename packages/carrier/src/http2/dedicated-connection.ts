import type { Duplex } from "node:stream";
import { ServeHTTPError } from "@servehttp/contract";
import type { RpcListener, RpcStream } from "../mux/rpc-stream.js";
import type { HeaderFields } from "../wire/header-fields.js";
import { dataFrameBytesMax, hostPreface, pluginPreface } from "./connection-preface.js";
import { FlowWindow } from "./flow-window.js";
import { FrameWriter } from "./frame-writer.js";
import { type ConnectionEnd, connectionLost, FramedConnection } from "./framed-connection.js";
import {
  errorCode,
  frame,
  frameFlag,
  frameHeadBytes,
  frameType,
  rpcStreamId as streamId,
  rstStreamFrame,
} from "./frames.js";
import { decodeFields, encodeFields } from "./hpack.js";
import { Http2Error } from "./http2-error.js";

/**
 * An HTTP/2 connection (RFC 9113) of one RPC. It speaks to every HTTP/2 peer, and does nothing that
 * one RPC has no need of: no priorities, no table of header fields, no second stream. What
 * `node:http2` can't: it reads whatever happens to what it writes, so that two ends never wait for
 * each other; it hands on what a read brought, not what a frame of 16 KiB held; and a batch costs
 * one write. `npm run bench -- --case get,echo,up,down` shows what that is worth.
 */
export class DedicatedConnection implements RpcStream, ConnectionEnd {
  readonly headroomBytes = frameHeadBytes;
  readonly what = "the connection of the mux RPC";
  readonly side: "host" | "plugin";
  readonly lastStreamId: number;
  readonly #socket: Duplex;
  readonly #connection: FramedConnection;
  readonly #frameWriter: FrameWriter;
  readonly #window = new FlowWindow(streamId);
  readonly #gone = Promise.withResolvers<void>();
  #listener: RpcListener | undefined;
  /** Our way: open -> ending [end: what waits goes first] -> ended */
  #sending: "open" | "ending" | "ended" = "open";
  /** Theirs: head -> open [their header section] -> ended */
  #receiving: "head" | "open" | "ended" = "head";

  private constructor(socket: Duplex, side: "host" | "plugin") {
    this.#socket = socket;
    this.side = side;
    this.lastStreamId = side === "plugin" ? streamId : 0;
    this.#frameWriter = new FrameWriter(socket, streamId);
    this.#connection = new FramedConnection(socket, this, dataFrameBytesMax);
    socket.once("close", () => this.#gone.resolve());
  }

  /**
   * Opens the RPC at the host's end, over a socket that may still be connecting. `fields` are those
   * of its request, the pseudo-header fields first.
   */
  static open(socket: Duplex, fields: HeaderFields): DedicatedConnection {
    const connection = new DedicatedConnection(socket, "host");
    socket.write(hostPreface(fields));
    return connection;
  }

  /**
   * Takes an RPC at the plugin's end. `fields` are those of the response. Once somebody listens,
   * `start` is given what was read of the connection.
   */
  static accept(socket: Duplex, fields: HeaderFields): DedicatedConnection {
    const connection = new DedicatedConnection(socket, "plugin");
    socket.write(pluginPreface(fields));
    return connection;
  }

  /** Resolves when the socket is closed. */
  get gone(): Promise<void> {
    return this.#gone.promise;
  }

  /** Whether nothing goes either way any more. */
  get closed(): boolean {
    return this.#connection.closed;
  }

  listen(listener: RpcListener): void {
    this.#listener = listener;
  }

  /** Reads what came before the connection was this one's. */
  start(octets: Buffer): void {
    this.#connection.read(octets);
    this.#socket.resume();
  }

  write(segments: Buffer[], onWritten: () => void): void {
    if (!this.closed && this.#sending === "open") {
      this.#frameWriter.write(segments, onWritten);
    }
  }

  end(trailers: HeaderFields = {}): void {
    if (this.closed || this.#sending !== "open") {
      return;
    }
    this.#sending = "ending";
    this.#frameWriter.end(lastFrame(this.side, trailers), () => {
      this.#sending = "ended";
      this.#closeWhenDone();
    });
    if (this.#frameWriter.waits) {
      // A message of an RPC that failed: whoever does not read that won't read why.
      this.#connection.lingerThen(() => this.cancel());
    }
  }

  cancel(): void {
    if (!this.closed) {
      this.#socket.write(rstStreamFrame(streamId, errorCode.cancel));
      this.#connection.close(undefined);
    }
  }

  /** Closes the connection at once. */
  destroy(): void {
    this.#connection.destroy(undefined);
  }

  beginData(id: number, bytes: number): void {
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
    const update = this.#window.update();
    if (update !== undefined) {
      this.#socket.write(update);
    }
    if (id === streamId && (flags & frameFlag.endStream) !== 0) {
      this.#receiveEnd({});
    }
  }

  takeSection(id: number, block: Buffer, ends: boolean): void {
    this.#checkStream(id);
    if (id !== streamId) {
      // This connection is for one RPC. No table was changed by the fields of the other one.
      this.#connection.answer(rstStreamFrame(id, errorCode.refusedStream));
      return;
    }
    this.#takeFields(decodeFields(block), ends);
  }

  takeSettings(payload: Buffer): void {
    this.#frameWriter.takeSettings(payload);
  }

  settingsAnswered(): void {
    this.#frameWriter.sendWaiting();
  }

  settingsTaken(): void {
    // Nothing waits for it.
  }

  takeWindowUpdate(id: number, bytes: number): void {
    if (id === 0) {
      this.#frameWriter.widen("connection", bytes);
    } else if (id === streamId) {
      this.#frameWriter.widen("stream", bytes);
    }
  }

  takeReset(id: number, code: number): void {
    if (id === streamId) {
      const message = `the other side reset the RPC with HTTP/2 error code ${code}`;
      this.#connection.close(connectionLost(message));
    }
  }

  /**
   * A plugin that goes has taken the RPC, or never will (section 6.8). One that goes because of an
   * error ends it.
   */
  takeGoaway(lastStreamId: number, code: number): void {
    if (this.side === "host" && lastStreamId < streamId) {
      const message = "the other side was going, and took no RPC any more";
      this.#connection.close(new ServeHTTPError("unavailable", message));
    } else if (code === errorCode.noError) {
      this.#listener?.receiveGoaway();
    } else {
      const message = `the other side ended the connection with HTTP/2 error code ${code}`;
      this.#connection.close(connectionLost(message));
    }
  }

  onClosed(error: ServeHTTPError | undefined): void {
    this.#frameWriter.close();
    this.#listener?.closed(error);
  }

  /**
   * Only a host opens streams, with odd numbers; and nothing comes behind the end of one (section
   * 5.1).
   */
  #checkStream(id: number): void {
    if (id !== streamId) {
      if (this.side === "host" || id % 2 === 0) {
        throw new Http2Error(errorCode.protocolError, `a frame on stream ${id}`);
      }
    } else if (this.#receiving === "ended") {
      throw new Http2Error(errorCode.streamClosed, "a frame behind the end of the stream");
    }
  }

  #takeFields(fields: HeaderFields, ends: boolean): void {
    if (this.#receiving === "open") {
      if (!ends) {
        throw new Http2Error(errorCode.protocolError, "a second header section that ends nothing");
      }
      this.#receiveEnd(fields);
      return;
    }
    if (this.side === "host" && /^1\d\d$/.test(fields[":status"] ?? "")) {
      if (ends) {
        throw new Http2Error(errorCode.protocolError, "an informational response as the last");
      }
      return;
    }
    this.#receiving = "open";
    if (this.side === "host") {
      this.#listener?.receiveHead(fields);
    }
    if (ends) {
      this.#receiveEnd(fields);
    }
  }

  #receiveEnd(trailers: HeaderFields): void {
    if (this.#receiving === "ended" || this.closed) {
      return;
    }
    this.#receiving = "ended";
    this.#listener?.receiveEnd(trailers);
    this.#closeWhenDone();
    if (this.side === "host") {
      // With its status the RPC is over: the plugin needs nothing of what still waits.
      this.cancel();
    }
  }

  /**
   * A plugin that has ended its way needs nothing of the host's; a host waits for the plugin's
   * status.
   */
  #closeWhenDone(): void {
    if (this.#sending === "ended" && (this.#receiving === "ended" || this.side === "plugin")) {
      this.#connection.close(undefined);
    }
  }
}

const nothing = Buffer.alloc(0);

/** By which an end ends its way: the host's bare, the plugin's with trailers. */
function lastFrame(side: "host" | "plugin", trailers: HeaderFields): Buffer {
  const flags = frameFlag.endStream;
  return side === "host"
    ? frame(frameType.data, flags, streamId, nothing)
    : frame(frameType.headers, flags | frameFlag.endHeaders, streamId, encodeFields(trailers));
}
