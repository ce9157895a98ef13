import type { Socket } from "node:net";
import {
  type ExchangeChannel,
  type PartReceiver,
  type RequestInit,
  type RequestParts,
  type ResponseParts,
  ServeHTTPError,
} from "@servehttp/contract";
import {
  HostConnection,
  type HostConnectionOwner,
  type StreamPlan,
} from "../http2/host-connection.js";
import { frameHeadBytes } from "../http2/frames.js";
import type { HostStream, HostStreamListener } from "../http2/host-stream.js";
import { RequestHeaders } from "../http2/request-headers.js";
import {
  idleConnectionMs,
  keptRequestBytesMax,
  streamConnectionsMax,
  uploadConnectionsMax,
} from "../limits.js";
import { atCallbackEnd, atTurnEnd, type Flushable } from "../schedule/turn-end.js";
import type { HeaderFields } from "../wire/header-fields.js";
import { WireWriter } from "../wire/wire-writer.js";
import { RepeatedHeads } from "../wire/repeated-heads.js";
import { writeRequestParts } from "../wire/write-parts.js";
import { HostStreamExchange, type StreamCarrier } from "./host-stream-exchange.js";

/** So few exchanges have nothing to gain from waiting for each other. */
const promptExchangesMax = 2;

/**
 * What a body may come to as messages, at the most: eight bytes for one where it comes byte by
 * byte, and its end.
 */
const messageBytesPerByteMax = 8;
const endMessageBytes = 64;

/** A first message that is no longer goes where there is room for this much: 4 KiB. */
const usualFirstBytes = 4_096;

/** Different warnings: what they say is partly the plugin's server's choice. */
const warningsMax = 16;

/** What connections of the stream carrier are made by. */
export interface StreamConnectionsOptions {
  /** Begins a connection; it may still be connecting. Its errors are told by the socket. */
  readonly connect: () => Socket;
  /** The header fields of each RPC, the pseudo-header fields first. */
  readonly fields: HeaderFields;
  /**
   * Called, once for each, with what is wrong with the plugin's server though nothing failed by it
   * yet.
   */
  readonly warn: (message: string) => void;
  /** A clock that only goes forward, in milliseconds. */
  readonly nowMs: () => number;
}

/**
 * The stream carrier at the host: one RPC for each exchange, on as many connections as it takes for
 * none to wait for another. All are alike. An exchange goes to the first that has room for it
 * (`HostConnection.fits`), else to a new one.
 *
 *   open     -> draining [close]
 *   open     -> closed   [close: now]
 *   draining -> closed   [the last connection has closed; close: now]
 */
export class StreamConnections implements StreamCarrier, HostConnectionOwner, Flushable {
  readonly heads = new RepeatedHeads();
  readonly #options: StreamConnectionsOptions;
  readonly #headers: RequestHeaders;
  readonly #writer = new WireWriter();
  /** Those that may take exchanges, oldest first. */
  readonly #connections: HostConnection[] = [];
  /** Those that take none any more, and are not closed. */
  readonly #retired = new Set<HostConnection>();
  /** Those of which the plugin's server has said nothing yet. */
  readonly #unready = new Set<HostConnection>();
  readonly #exchanges = new Set<HostStreamExchange>();
  readonly #ready = Promise.withResolvers<void>();
  readonly #lost = Promise.withResolvers<ServeHTTPError>();
  readonly #closed = Promise.withResolvers<void>();
  readonly #warned = new Set<string>();
  #planned: HostStreamExchange[] = [];
  #keptRequestBytes = 0;
  #state: "open" | "draining" | "closed" = "open";
  #idleTimer: NodeJS.Timeout | undefined;

  /** @throws ServeHTTPError `invalid-argument` for fields that are too long */
  constructor(options: StreamConnectionsOptions) {
    this.#options = options;
    this.#headers = new RequestHeaders(options.fields);
    this.#ready.promise.catch(() => undefined);
  }

  /**
   * Opens the first connection. Resolves when the plugin's server has shown that it speaks HTTP/2;
   * rejects where it can't.
   */
  async connect(): Promise<void> {
    this.#connect();
    await this.#ready.promise;
  }

  /**
   * Settles, and never rejects, when no other connection can be made: with `plugin-closing` where
   * those that are open may go on, which is how a server ends that has closed its listening socket.
   */
  get lost(): Promise<ServeHTTPError> {
    return this.#lost.promise;
  }

  /** Streams that are open, those included that are over for their exchanges. */
  get streamCount(): number {
    return this.#all().reduce((count, { streamCount }) => count + streamCount, 0);
  }

  /** Connections that are open. */
  get connectionCount(): number {
    return this.#connections.length + this.#retired.size;
  }

  /** Opens an exchange. @throws ServeHTTPError `connection-lost` once it was closed */
  open(receiver: PartReceiver<ResponseParts>): ExchangeChannel<RequestParts> {
    if (this.#state !== "open") {
      throw new ServeHTTPError("connection-lost", "the connection to the plugin is closing");
    }
    const exchange = new HostStreamExchange(this, receiver);
    this.#exchanges.add(exchange);
    return exchange;
  }

  /**
   * Opens no more exchanges. Closes each connection when those on it are over, or at once. Resolves
   * when all are closed.
   */
  async close(how: "drained" | "now"): Promise<void> {
    if (how === "now") {
      this.#state = "closed";
      const error = new ServeHTTPError(
        "connection-lost",
        "the connection to the plugin was closed",
      );
      for (const connection of this.#all()) {
        connection.destroy(error);
      }
      for (const exchange of this.#exchanges) {
        exchange.failed(error, false);
      }
    } else if (this.#state === "open") {
      this.#state = "draining";
    }
    this.#closeWhenIdle();
    await this.#closed.promise;
  }

  get gathers(): boolean {
    return this.#planned.length > 0;
  }

  plan(exchange: HostStreamExchange): void {
    this.#planned.push(exchange);
    if (this.#planned.length > 1) {
      return;
    }
    if (this.#exchanges.size <= promptExchangesMax) {
      atCallbackEnd(this);
    } else {
      atTurnEnd(this);
    }
  }

  flush(): void {
    const planned = this.#planned;
    this.#planned = [];
    for (const exchange of planned) {
      exchange.flush();
    }
  }

  openStream(
    listener: HostStreamListener,
    parts: RequestParts,
    last: boolean,
  ): HostStream | undefined {
    const moreBytes = last ? 0 : moreBytesOf(parts);
    let connection = this.#place({ firstBytes: usualFirstBytes, moreBytes });
    if (connection === undefined) {
      return undefined;
    }
    let [segments, firstBytes] = this.#firstMessage(parts, connection);
    const plan = { firstBytes, moreBytes };
    if (firstBytes > usualFirstBytes && !connection.fits(plan)) {
      connection = this.#place(plan);
      if (connection === undefined) {
        return undefined;
      }
      [segments, firstBytes] = this.#firstMessage(parts, connection);
    }
    if (connection.streamWindowBytes === 0) {
      this.#warn("the plugin's server gives streams no window, so nothing can be sent to it");
    }
    const stream = connection.open(listener, plan);
    stream.write(segments, last);
    return stream;
  }

  /** A message with room for what a connection puts in front of it, and its bytes without that. */
  #firstMessage(
    parts: RequestParts,
    { firstHeadroomBytes }: HostConnection,
  ): [segments: Buffer[], bytes: number] {
    const writer = this.#writer;
    writer.beginMessage(firstHeadroomBytes);
    writeRequestParts(writer, parts);
    const bytes = writer.messageBytes - firstHeadroomBytes;
    return [writer.endMessage(), bytes];
  }

  writeTo(stream: HostStream, parts: RequestParts, last: boolean): void {
    if (stream.writable) {
      const writer = this.#writer;
      writer.beginMessage(frameHeadBytes);
      writeRequestParts(writer, parts);
      stream.write(writer.endMessage(), last);
    }
  }

  keep(bytes: number): boolean {
    if (this.#keptRequestBytes + bytes > keptRequestBytesMax) {
      return false;
    }
    this.#keptRequestBytes += bytes;
    return true;
  }

  forget(exchange: HostStreamExchange): void {
    this.#exchanges.delete(exchange);
    this.#closeWhenIdle();
  }

  connectionReady(connection: HostConnection): void {
    this.#unready.delete(connection);
    this.#ready.resolve();
  }

  connectionDraining(connection: HostConnection): void {
    const index = this.#connections.indexOf(connection);
    if (index !== -1) {
      this.#connections.splice(index, 1);
      this.#retired.add(connection);
    }
  }

  connectionIdle(connection: HostConnection): void {
    if (this.#connections.length === 1) {
      return;
    }
    if (connection.isWorn) {
      connection.retire();
    } else {
      this.#idleTimer ??= setTimeout(() => this.#retireIdle(), idleConnectionMs).unref();
    }
  }

  connectionClosed(connection: HostConnection, error: ServeHTTPError | undefined): void {
    this.connectionDraining(connection);
    this.#retired.delete(connection);
    const wasUnready = this.#unready.delete(connection);
    if (wasUnready && this.connectionCount > 0 && isNobodyThere(error)) {
      // Before the exchanges on it are told: each then finds the plugin's successor.
      const message = "nobody listens at the plugin's address any more";
      this.#lost.resolve(new ServeHTTPError("plugin-closing", message, { cause: error }));
    } else if (error !== undefined && this.#state !== "closed") {
      this.#warn(error.message);
    }
    if (wasUnready && this.connectionCount === 0) {
      const why = error ?? new ServeHTTPError("connection-lost", "the connection was closed");
      this.#ready.reject(why);
      this.#lost.resolve(why);
    }
    this.#closeWhenIdle();
  }

  #connect(): HostConnection {
    const { connect, nowMs } = this.#options;
    const connection = new HostConnection(connect(), this.#headers, this, nowMs);
    this.#connections.push(connection);
    this.#unready.add(connection);
    return connection;
  }

  /** The connection for a stream, a new one where the others have no room. */
  #place(plan: StreamPlan): HostConnection | undefined {
    for (const connection of this.#connections) {
      if (connection.fits(plan)) {
        return connection;
      }
    }
    if (this.#connections.some(({ refusesAll }) => refusesAll)) {
      this.#warn("the plugin's server allows no streams");
      return undefined;
    }
    const unfit = this.#connections.filter(({ streamCount }) => streamCount === 0);
    const isUpload = plan.moreBytes > 0;
    if (this.connectionCount < (isUpload ? uploadConnectionsMax : streamConnectionsMax)) {
      const connection = this.#connect();
      for (const one of unfit) {
        one.retire();
      }
      return connection;
    }
    this.#warn("the plugin's server has as many connections as are allowed");
    return isUpload ? this.#connections.find((one) => one.bearsUpload()) : undefined;
  }

  #retireIdle(): void {
    this.#idleTimer = undefined;
    for (const connection of this.#connections.slice(1)) {
      if (connection.streamCount === 0) {
        connection.retire();
      }
    }
  }

  #closeWhenIdle(): void {
    if (this.#state === "draining" && this.#exchanges.size === 0) {
      for (const connection of this.#connections.slice()) {
        connection.retire();
      }
    }
    if (this.#state !== "open" && this.connectionCount === 0) {
      this.#state = "closed";
      clearTimeout(this.#idleTimer);
      this.#closed.resolve();
    }
  }

  #warn(message: string): void {
    if (!this.#warned.has(message) && this.#warned.size < warningsMax) {
      this.#warned.add(message);
      this.#options.warn(message);
    }
  }

  #all(): HostConnection[] {
    return [...this.#connections, ...this.#retired];
  }
}

/** Whether a connection could not be made because no process listens at the address. */
function isNobodyThere(error: ServeHTTPError | undefined): boolean {
  const code = (error?.cause as NodeJS.ErrnoException | undefined)?.code;
  return code === "ECONNREFUSED" || code === "ENOENT";
}

/**
 * What may follow a first message that is not all, in bytes on the wire. Most requests that may
 * become a tunnel do not.
 */
function moreBytesOf({ init, chunk, end }: RequestParts): number {
  if (init === undefined) {
    return Number.POSITIVE_INFINITY;
  }
  if (end !== undefined) {
    return asksForTunnel(init) ? Number.POSITIVE_INFINITY : 0;
  }
  if (init.contentLength < 0) {
    return Number.POSITIVE_INFINITY;
  }
  const bodyBytes = Math.max(0, init.contentLength - (chunk?.length ?? 0));
  return bodyBytes * messageBytesPerByteMax + endMessageBytes;
}

function asksForTunnel({ method, headers }: RequestInit): boolean {
  return (
    method === "CONNECT" ||
    headers.some((name, index) => index % 2 === 0 && name.toLowerCase() === "upgrade")
  );
}
