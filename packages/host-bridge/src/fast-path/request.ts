import type { IncomingMessage } from "node:http";
import { type FieldList, type Memo, noFields } from "@servehttp/contract";
import {
  byRequest,
  type CloseListener,
  type IncomingRequest,
  type RequestEntry,
} from "../client/incoming-request.js";
import type { ClientResponse } from "../client/client-response.js";
import type { HostRequest } from "../client/node-types.js";
import type { BodySink, RequestBody } from "../client/request-body.js";
import { fastPathMessage } from "./incoming-message.js";
import type { PlainHead } from "./plain-head.js";
import { FastPathResponse, type ResponseConnection } from "./response.js";

/** What a request needs of the connection on which it came. */
export interface RequestConnection extends ResponseConnection {
  readonly scheme: "http" | "https";
  /** Whoever has connected: an IP address, `"unix"`, or empty where it is not known any more. */
  readonly peer: string;
  /** `"ip:port"`; empty where there is no address. */
  readonly remoteAddress: string;
  /** The same for all requests of the connection, also where Node reads some of them. */
  readonly connectionId: string;
  readonly joinsDuplicateHeaders: boolean | undefined;
  pauseBody(): void;
  resumeBody(): void;
}

/** A plain request that the fast path has read, with its body as it comes. Hot. */
export class FastPathRequest implements IncomingRequest, RequestBody {
  readonly head: PlainHead;
  readonly #connection: RequestConnection;
  #bodyBytesLeft: number;
  #sink: BodySink | undefined;
  #message: IncomingMessage | undefined;
  #closeListener: CloseListener | undefined;
  #response: FastPathResponse | undefined;
  /** The response has been written to its end. */
  responseOver = false;

  constructor(connection: RequestConnection, head: PlainHead) {
    this.#connection = connection;
    this.head = head;
    this.#bodyBytesLeft = head.contentLength;
  }

  /* What its head says, or is the same for all plain requests, takes no place in each of them. */

  get target(): string {
    return this.head.target;
  }

  get method(): string {
    return this.head.method;
  }

  get rawHeaders(): readonly string[] {
    return this.head.rawHeaders;
  }

  get fieldsMemo(): Memo | undefined {
    return this.head.fieldsMemo;
  }

  get headMemo(): { made: unknown } | undefined {
    return this.head.headMemo;
  }

  /** The length of its body in bytes. */
  get contentLength(): number {
    return this.head.contentLength;
  }

  get versionMajor(): number {
    return 1;
  }

  get versionMinor(): number {
    return 1;
  }

  get entry(): RequestEntry {
    return byRequest;
  }

  get endedByHead(): boolean {
    return false;
  }

  get connectProtocol(): string {
    return "";
  }

  get rawTrailers(): FieldList {
    return noFields;
  }

  get scheme(): "http" | "https" {
    return this.#connection.scheme;
  }

  get peer(): string {
    return this.#connection.peer;
  }

  get remoteAddress(): string {
    return this.#connection.remoteAddress;
  }

  get connectionId(): string {
    return this.#connection.connectionId;
  }

  /** Nobody has seen the request before the host. */
  get bodyTaken(): boolean {
    return false;
  }

  get body(): RequestBody {
    return this;
  }

  get closed(): boolean {
    return this.#connection.io.socket.destroyed;
  }

  get message(): HostRequest {
    const { io, joinsDuplicateHeaders } = this.#connection;
    this.#message ??= fastPathMessage(this, io.socket, joinsDuplicateHeaders);
    return this.#message;
  }

  openResponse(): ClientResponse {
    this.#response = new FastPathResponse(this.#connection, this.method === "HEAD");
    return this.#response;
  }

  onClose(listener: CloseListener): void {
    this.#closeListener = listener;
  }

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

  /** Whether the body has a sink for bytes that are still to come. */
  get takesBody(): boolean {
    return this.#bodyBytesLeft > 0 && this.#sink !== undefined;
  }

  /**
   * Gives bytes to the body's sink; returns how many of them belong to the body. `owned` where their
   * memory has no other use.
   */
  giveBody(received: Buffer, owned: boolean): number {
    const sink = this.#sink;
    const bytes = Math.min(received.length, this.#bodyBytesLeft);
    this.#bodyBytesLeft -= bytes;
    if (bytes === received.length) {
      sink?.bodyChunk(received, owned);
    } else {
      sink?.bodyChunk(received.subarray(0, bytes));
    }
    if (this.#bodyBytesLeft === 0) {
      this.#sink?.bodyEnd();
      this.#sink = undefined;
      this.wasRead();
    }
    return bytes;
  }

  /** Says in the message that `identity` got that the request has been read, as Node does. */
  wasRead(): void {
    if (this.#message !== undefined) {
      this.#message.complete = true;
      this.#message.push(null);
    }
  }

  /** The client has read something: there is room to write. */
  drained(): void {
    this.#response?.release();
  }

  /** Nothing of the response has gone out. */
  get unanswered(): boolean {
    return this.#response?.answered !== true;
  }

  /** The response has been written to its end. */
  responded(): void {
    this.responseOver = true;
    this.#closeListener = undefined;
    // Node, too, reads a request to its end that nobody has read.
    this.#message?.resume();
  }

  /** The connection is closed. */
  connectionClosed(): void {
    this.#response?.release();
    this.#message?.destroy();
    this.#closeListener?.clientClosed();
  }
}
