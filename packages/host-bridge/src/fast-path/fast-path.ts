import type { Server } from "node:http";
import type { Socket } from "node:net";
import { channel } from "node:diagnostics_channel";
import { EventEmitter } from "node:events";
import type { FastPathRequest } from "./request.js";
import { FastPathConnection } from "./connection.js";
import { fastPathClockMs } from "../limits.js";
import type { PlainHead, PlainLimits } from "./plain-request.js";

/** What a fast path needs of its host and of its server. */
export interface FastPathOptions {
  readonly server: Server;
  /** Gives a connection to Node's own listener. */
  readonly passToNode: (socket: Socket) => void;
  /** Our own listener of `request`: only where it is the only one may a request not be shown to it. */
  readonly requestListener: unknown;
  /** Serves a request; false, with nothing done, where the answer is not a plugin's. */
  readonly admit: (incoming: FastPathRequest) => boolean;
  /** Called for a defect; the connection it happened on is closed. */
  readonly onError: (error: unknown) => void;
  readonly limits: PlainLimits;
}

/** The connections of one server that have had plain requests alone. */
export class FastPath {
  readonly limits: PlainLimits;
  readonly passToNode: (socket: Socket) => void;
  readonly admit: (incoming: FastPathRequest) => boolean;
  readonly onError: (error: unknown) => void;
  readonly #server: Server;
  readonly #requestListener: unknown;
  readonly #connections = new Set<FastPathConnection>();
  /** Requests that it has served. */
  served = 0;
  /** The server takes no new connections: who has its response is let go. */
  closing = false;
  /** As of the last look at all connections, so that a request costs no look at the clock. */
  nowMs = 0;
  #clock: NodeJS.Timeout | undefined;
  #clockMs: number = fastPathClockMs.max;
  /** What `ownFields` has made last, and for when. */
  #made = { second: -1, keepAliveTimeout: -1, dated: "", undated: "" };

  constructor(options: FastPathOptions) {
    this.#server = options.server;
    this.#requestListener = options.requestListener;
    this.limits = options.limits;
    this.passToNode = options.passToNode;
    this.admit = options.admit;
    this.onError = options.onError;
  }

  /** How many connections it has. */
  get size(): number {
    return this.#connections.size;
  }

  /** Takes a new connection. */
  take(socket: Socket): void {
    if (this.#clock === undefined) {
      this.nowMs = performance.now();
      this.#clockMs = clockMsFor(this.#server);
      this.#clock = setInterval(() => this.#check(), this.#clockMs).unref();
    }
    this.#connections.add(new FastPathConnection(this, socket));
  }

  /** A connection has ended, or is Node's. */
  forget(connection: FastPathConnection): void {
    this.#connections.delete(connection);
    if (this.#connections.size === 0) {
      clearInterval(this.#clock);
      this.#clock = undefined;
    }
  }

  /** Whether nobody but the host could see a request go by, now. */
  get open(): boolean {
    const server = this.#server;
    const listeners = server.listeners("request");
    return (
      listeners.length === 1 &&
      listeners[0] === this.#requestListener &&
      server.emit === EventEmitter.prototype.emit &&
      server.timeout === 0 &&
      !server.maxRequestsPerSocket &&
      !requestStart.hasSubscribers &&
      !responseCreated.hasSubscribers &&
      !responseFinish.hasSubscribers
    );
  }

  /** Whether a request may be served here. */
  takes(head: PlainHead): boolean {
    // A body that breaks off is an error of the parser's, which Node shows to whoever wants to know.
    return (
      this.open && (head.contentLength === 0 || this.#server.listenerCount("clientError") === 0)
    );
  }

  get joinsDuplicateHeaders(): boolean | undefined {
    return (this.#server as { joinDuplicateHeaders?: boolean }).joinDuplicateHeaders;
  }

  /** How long a connection may be idle, in milliseconds; 0 for ever. */
  get keepAliveMs(): number {
    const { keepAliveTimeout } = this.#server;
    const { keepAliveTimeoutBuffer = 1_000 } = this.#server as { keepAliveTimeoutBuffer?: number };
    return keepAliveTimeout > 0 ? keepAliveTimeout + Math.max(keepAliveTimeoutBuffer, 0) : 0;
  }

  /** How long a request may take to arrive, in milliseconds; 0 for ever. */
  get requestTimeoutMs(): number {
    return Math.max(this.#server.requestTimeout, 0);
  }

  /** Whether a time is over for sure, by a clock that is up to a step behind; 0 never is. */
  isPast(limitMs: number, heldMs: number): boolean {
    return limitMs > 0 && heldMs >= limitMs + this.#clockMs;
  }

  /** The fields that Node's server adds to a response of its own. */
  ownFields(dated: boolean): string {
    const second = Math.floor(Date.now() / 1_000);
    const { keepAliveTimeout } = this.#server;
    if (second !== this.#made.second || keepAliveTimeout !== this.#made.keepAliveTimeout) {
      const connection =
        "Connection: keep-alive\r\n" +
        (keepAliveTimeout ? `Keep-Alive: timeout=${Math.floor(keepAliveTimeout / 1_000)}\r\n` : "");
      this.#made = { second, keepAliveTimeout, dated: connection, undated: date() + connection };
    }
    if (this.closing) {
      return `${dated ? "" : date()}Connection: close\r\n`;
    }
    return dated ? this.#made.dated : this.#made.undated;
  }

  /** An idle connection's time is over. */
  timedOut(socket: Socket): void {
    if (!this.#server.emit("timeout", socket)) {
      socket.destroy();
    }
  }

  /** A connection failed. */
  failed(error: Error, socket: Socket): void {
    if (!this.#server.emit("clientError", error, socket)) {
      socket.destroy(error);
    }
  }

  closeIdle(): void {
    for (const { idle, socket } of this.#connections) {
      if (idle) {
        // What has been written goes out first.
        socket.destroySoon();
      }
    }
  }

  closeAll(): void {
    for (const { socket } of this.#connections) {
      socket.destroy();
    }
  }

  #check(): void {
    this.nowMs = performance.now();
    for (const connection of this.#connections) {
      connection.check(this.nowMs);
    }
  }
}

const requestStart = channel("http.server.request.start");
const responseCreated = channel("http.server.response.created");
const responseFinish = channel("http.server.response.finish");

/** An eighth of the shortest time of the server's, within bounds. */
function clockMsFor(server: Server): number {
  const times = [server.keepAliveTimeout, server.requestTimeout].filter((ms) => ms > 0);
  return Math.min(fastPathClockMs.max, Math.max(fastPathClockMs.min, Math.min(...times) / 8));
}

function date(): string {
  return `Date: ${new Date().toUTCString()}\r\n`;
}
