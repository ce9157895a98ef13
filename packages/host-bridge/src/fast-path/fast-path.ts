import type { Server } from "node:http";
import type { Socket } from "node:net";
import { channel } from "node:diagnostics_channel";
import { EventEmitter } from "node:events";
import { GrowthBudget } from "@servehttp/contract";
import { fastPathClockMs } from "../limits.js";
import { FastPathConnection } from "./connection.js";
import type { ConnectionOwner, OwnedConnection } from "./connection-owner.js";
import type { PlainHead } from "./plain-head.js";
import type { PlainLimits } from "./plain-request.js";
import type { FastPathRequest } from "./request.js";

/** What a fast path needs of its host and of its server. */
export interface FastPathOptions {
  readonly server: Server;
  /** Gives a connection to Node's own listener. */
  readonly passToNode: (socket: Socket) => void;
  /**
   * The host's own listener of `request`. Only while the server has no other may a request bypass
   * it.
   */
  readonly requestListener: unknown;
  /** Serves a request; false, with nothing done, where the answer is not a plugin's. */
  readonly admit: (request: FastPathRequest) => boolean;
  /** Called for a defect; the connection on which it happened is closed. */
  readonly onError: (error: unknown) => void;
  readonly limits: PlainLimits;
}

/** The connections of one server that have had nothing but plain requests. */
export class FastPath implements ConnectionOwner {
  readonly limits: PlainLimits;
  readonly passToNode: (socket: Socket) => void;
  readonly admit: (request: FastPathRequest) => boolean;
  readonly onError: (error: unknown) => void;
  readonly budget = new GrowthBudget();
  readonly #server: Server;
  readonly #requestListener: Listener;
  readonly #connections = new Set<OwnedConnection>();
  /** How many requests it has served. */
  served = 0;
  /** The server takes no new connections: a connection whose response is written ends. */
  closing = false;
  /**
   * The time as of the last look at all connections, so that a request costs no look at the clock.
   */
  nowMs = 0;
  #clock: NodeJS.Timeout | undefined;
  #clockMs: number = fastPathClockMs.max;
  /** What `ownFields` has made in this second, so that a request costs no look at the clock. */
  #made: OwnFields | undefined;

  constructor(options: FastPathOptions) {
    this.#server = options.server;
    this.#requestListener = options.requestListener as Listener;
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

  onServed(): void {
    this.served += 1;
  }

  forget(connection: OwnedConnection): void {
    this.#connections.delete(connection);
    if (this.#connections.size === 0) {
      clearInterval(this.#clock);
      this.#clock = undefined;
    }
  }

  /** Whether nobody but the host would see a request that came now. */
  get open(): boolean {
    const server = this.#server;
    return (
      server.listenerCount("request") === 1 &&
      server.listenerCount("request", this.#requestListener) === 1 &&
      server.emit === EventEmitter.prototype.emit &&
      server.timeout === 0 &&
      !server.maxRequestsPerSocket &&
      !requestStart.hasSubscribers &&
      !responseCreated.hasSubscribers &&
      !responseFinish.hasSubscribers
    );
  }

  takes(head: PlainHead): boolean {
    // Node reports a body that breaks off to listeners of `clientError`.
    return (
      this.open && (head.contentLength === 0 || this.#server.listenerCount("clientError") === 0)
    );
  }

  get joinsDuplicateHeaders(): boolean | undefined {
    return (this.#server as { joinDuplicateHeaders?: boolean }).joinDuplicateHeaders;
  }

  get keepAliveMs(): number {
    const { keepAliveTimeout } = this.#server;
    const { keepAliveTimeoutBuffer = 1_000 } = this.#server as { keepAliveTimeoutBuffer?: number };
    return keepAliveTimeout > 0 ? keepAliveTimeout + Math.max(keepAliveTimeoutBuffer, 0) : 0;
  }

  get requestTimeoutMs(): number {
    return Math.max(this.#server.requestTimeout, 0);
  }

  /** The clock is up to one step behind. */
  isPast(limitMs: number, heldMs: number): boolean {
    return limitMs > 0 && heldMs >= limitMs + this.#clockMs;
  }

  /** The fields are those that Node's server adds to a response. */
  ownFields(dated: boolean, closes: boolean): string {
    if (closes || this.closing) {
      return `${dated ? "" : date()}Connection: close\r\n`;
    }
    const { keepAliveTimeout } = this.#server;
    let made = this.#made;
    if (made?.keepAliveTimeout !== keepAliveTimeout) {
      made = this.#makeOwnFields(keepAliveTimeout);
    }
    return dated ? made.dated : made.undated;
  }

  /** Makes them for the rest of this second, as Node does with its Date. */
  #makeOwnFields(keepAliveTimeout: number): OwnFields {
    const connection =
      "Connection: keep-alive\r\n" +
      (keepAliveTimeout ? `Keep-Alive: timeout=${Math.floor(keepAliveTimeout / 1_000)}\r\n` : "");
    const made = { keepAliveTimeout, dated: connection, undated: date() + connection };
    this.#made = made;
    setTimeout(() => (this.#made = undefined), 1_000 - (Date.now() % 1_000)).unref();
    return made;
  }

  timedOut(socket: Socket): void {
    if (!this.#server.emit("timeout", socket)) {
      socket.destroy();
    }
  }

  failed(error: Error, socket: Socket): void {
    if (!this.#server.emit("clientError", error, socket)) {
      socket.destroy(error);
    }
  }

  dateField(): string {
    return date();
  }

  closeIdle(): void {
    for (const { idle, socket } of this.#connections) {
      if (idle) {
        // Not `destroy`: what has been written goes out first.
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

type Listener = (...args: never[]) => void;

/** The fields of a server behind whose responses connections stay open. */
interface OwnFields {
  readonly keepAliveTimeout: number;
  /** For a response that has a Date. */
  readonly dated: string;
  readonly undated: string;
}

const requestStart = channel("http.server.request.start");
const responseCreated = channel("http.server.response.created");
const responseFinish = channel("http.server.response.finish");

/** An eighth of the shortest of the server's times, within bounds. */
function clockMsFor(server: Server): number {
  const times = [server.keepAliveTimeout, server.requestTimeout].filter((ms) => ms > 0);
  return Math.min(fastPathClockMs.max, Math.max(fastPathClockMs.min, Math.min(...times) / 8));
}

function date(): string {
  return `Date: ${new Date().toUTCString()}\r\n`;
}
