import type { Socket } from "node:net";
import type { GrowthBudget } from "@servehttp/contract";
import type { PlainHead } from "./plain-head.js";
import type { PlainLimits } from "./plain-request.js";
import type { FastPathRequest } from "./request.js";

/** What a connection needs of the fast path that it is on. */
export interface ConnectionOwner {
  readonly limits: PlainLimits;
  /** The time as of the last look at all connections. */
  readonly nowMs: number;
  /** The server takes no new connections: a connection whose response is written ends. */
  readonly closing: boolean;
  /** How long a connection may be idle; 0 for ever. */
  readonly keepAliveMs: number;
  /** How long a request may take to arrive; 0 for ever. */
  readonly requestTimeoutMs: number;
  readonly joinsDuplicateHeaders: boolean | undefined;
  /** What the sockets of bulk may hold beyond what Node lets them. */
  readonly budget: GrowthBudget;
  /** Whether a time is over for sure; a time of 0 never is. */
  isPast(limitMs: number, heldMs: number): boolean;
  /** Whether a request may be served on the fast path. */
  takes(head: PlainHead): boolean;
  /** Serves a request; false, with nothing done, where Node's server has to. */
  admit(request: FastPathRequest): boolean;
  /** A request is being served. */
  onServed(): void;
  /** The fields that the server adds to a response; `closes`: the connection closes behind it. */
  ownFields(dated: boolean, closes: boolean): string;
  /** The Date field that the server adds to a response. */
  dateField(): string;
  /** Gives a connection to Node's own listener. */
  passToNode(socket: Socket): void;
  /** A connection is closed, or is Node's from now on. */
  forget(connection: OwnedConnection): void;
  /** A time that was set on the socket is over, or an idle connection's. */
  timedOut(socket: Socket): void;
  /** A connection failed. */
  failed(error: Error, socket: Socket): void;
  /** Called for a defect; the connection is closed then. */
  onError(error: unknown): void;
}

/** A connection, as its owner knows it. */
export interface OwnedConnection {
  readonly socket: Socket;
  /** Nothing is under way on it, and something was. */
  readonly idle: boolean;
  /** Ends what has taken too long. */
  check(nowMs: number): void;
}
