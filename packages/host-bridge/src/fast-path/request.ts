import type { IncomingMessage } from "node:http";
import { noFields } from "@servehttp/contract";
import type { IncomingRequest, HostRequest } from "../client/incoming-request.js";
import { byRequest } from "../client/incoming-request.js";
import type { ClientResponse } from "../client/client-response.js";
import type { Exchange } from "../exchange/exchange.js";
import { FastPathResponse } from "./response.js";
import type { FastPathConnection } from "./connection.js";
import { fastPathMessage } from "./incoming-message.js";
import type { PlainHead } from "./plain-request.js";
import type { BodySink, RequestBody } from "../client/request-body.js";

/** A plain request that the fast path has read, with its body as it comes. Hot. */
export class FastPathRequest implements IncomingRequest, RequestBody {
  readonly versionMajor = 1;
  readonly versionMinor = 1;
  readonly entry = byRequest;
  readonly endedByHead = false;
  readonly connectProtocol = "";
  readonly rawTrailers = noFields;
  readonly target: string;
  readonly method: string;
  readonly rawHeaders: readonly string[];
  readonly #connection: FastPathConnection;
  #bodyBytesLeft: number;
  #sink: BodySink | undefined;
  #message: IncomingMessage | undefined;
  #exchange: Exchange | undefined;
  #client: FastPathResponse | undefined;
  /** The response has been written to its end. */
  responseOver = false;

  constructor(connection: FastPathConnection, head: PlainHead) {
    this.#connection = connection;
    this.target = head.target;
    this.method = head.method;
    this.rawHeaders = head.rawHeaders;
    this.#bodyBytesLeft = head.contentLength;
  }

  get scheme(): "http" | "https" {
    return this.#connection.scheme;
  }

  get remoteIp(): string {
    return this.#connection.remoteIp;
  }

  get remoteAddress(): string {
    return this.#connection.remoteAddress;
  }

  /** Nobody has seen the request before the host. */
  get bodyTaken(): boolean {
    return false;
  }

  get body(): RequestBody {
    return this;
  }

  get gone(): boolean {
    return this.#connection.socket.destroyed;
  }

  get message(): HostRequest {
    this.#message ??= fastPathMessage(this, this.#connection);
    return this.#message;
  }

  openResponse(): ClientResponse {
    this.#client = new FastPathResponse(this.#connection, this.method === "HEAD");
    return this.#client;
  }

  onClose(exchange: Exchange): void {
    this.#exchange = exchange;
  }

  /** The whole request has been read. */
  get complete(): boolean {
    return this.#bodyBytesLeft === 0;
  }

  start(sink: BodySink): void {
    this.#sink = sink;
    this.#connection.resumeBody();
  }

  stop(): void {
    this.#sink = undefined;
    this.#connection.pauseBody();
  }

  pause(): void {
    this.#connection.pauseBody();
  }

  resume(): void {
    this.#connection.resumeBody();
  }

  /** Whether somebody takes bytes of the body that are still to come. */
  get takesBody(): boolean {
    return this.#bodyBytesLeft > 0 && this.#sink !== undefined;
  }

  /** Gives bytes to whoever takes the body; returns how many of them are the body's. */
  giveBody(octets: Buffer): number {
    const sink = this.#sink;
    const bytes = Math.min(octets.length, this.#bodyBytesLeft);
    this.#bodyBytesLeft -= bytes;
    sink?.bodyChunk(bytes === octets.length ? octets : octets.subarray(0, bytes));
    if (this.#bodyBytesLeft === 0) {
      this.#sink?.bodyEnd();
      this.#sink = undefined;
      this.wasRead();
    }
    return bytes;
  }

  /** All of the request has been read, and the host has been asked about it: what was shown to it says so, as Node's does. */
  wasRead(): void {
    if (this.#message !== undefined) {
      this.#message.complete = true;
      this.#message.push(null);
    }
  }

  /** The client has read something: whoever waits to write goes on. */
  drained(): void {
    this.#client?.release();
  }

  /** Nothing of the response has gone out. */
  get unanswered(): boolean {
    return this.#client?.answered !== true;
  }

  responded(): void {
    this.responseOver = true;
    this.#exchange = undefined;
    // As Node reads a request to its end that nobody has read.
    this.#message?.resume();
  }

  /** The connection is closed. */
  closed(): void {
    this.#client?.release();
    this.#message?.destroy();
    this.#exchange?.clientClosed();
  }
}
