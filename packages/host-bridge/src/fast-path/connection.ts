import type { Socket } from "node:net";
import { discardRest } from "../client/discard-body.js";
import type { Lane } from "./fast-path.js";
import { LaneArrival } from "./request.js";
import { laneHeldBytesMax, laneSilenceMsMax } from "../limits.js";
import { readPlainHead } from "./plain-request.js";
import { remoteAddressOf } from "../client/remote-address.js";

/**
 * A caller's connection as long as all of its requests are plain. They are served one at a time; what comes behind one is kept,
 * up to a bound, until its response has been written.
 *
 *   fresh   -> serving  [#serveNext]  the first request is plain
 *   fresh   -> left     [#handOver]   it isn't, or nothing came for a while: the connection is Node's
 *   serving -> idle     [#rest]       request and response are whole
 *   serving -> ending   [responded]   the response says that the connection closes
 *   idle    -> serving  [#serveNext]
 *   idle    -> left     [#handOver]
 *   serving -> left     [takeOver]    the plugin took the connection over
 *   any     -> closed   [#onClose]
 */
type LaneState = "fresh" | "idle" | "serving" | "ending" | "left" | "closed";

const nothing = Buffer.alloc(0);

/** What Node answers where a body ends early, or does not come in time. */
const badRequest = "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n";
const requestTimedOut = "HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n\r\n";

export class LaneConnection {
  readonly socket: Socket;
  readonly scheme: "http" | "https";
  /** Without a port; empty where there is none (a unix socket). */
  readonly remoteIp: string;
  /** `"ip:port"`, or empty. */
  readonly remoteAddress: string;
  readonly #lane: Lane;
  #state: LaneState = "fresh";
  /** Of the request that is served. */
  #arrival: LaneArrival | undefined;
  /** When the state began, or as of late as the lane's clock tells; never in the future. */
  #sinceMs: number;
  /** What has come and is nobody's yet. */
  #held: Buffer = nothing;
  #bodyPaused = false;
  #reading = true;
  #corked = false;

  readonly #onData = (octets: Buffer): void => {
    this.#held = this.#held.length === 0 ? octets : Buffer.concat([this.#held, octets]);
    this.#advance();
  };

  /** As Node does without `httpAllowHalfOpen`: who says no more gets no more. */
  readonly #onEnd = (): void => {
    const arrival = this.#arrival;
    if (this.#state === "serving" && arrival !== undefined && !arrival.complete) {
      this.#refuse(badRequest);
    } else {
      this.#held = nothing;
      this.socket.end();
    }
  };

  readonly #onDrain = (): void => {
    this.#arrival?.drained();
    if (this.#state === "idle" && this.#held.length > 0) {
      this.#advance();
    }
  };

  readonly #onError = (error: Error): void => this.#lane.failed(error, this.socket);

  readonly #onClose = (): void => {
    const arrival = this.#arrival;
    this.#state = "closed";
    this.#arrival = undefined;
    this.#held = nothing;
    this.#lane.forget(this);
    arrival?.closed();
  };

  /** Of a time that somebody has set on the socket. */
  readonly #onTimeout = (): void => this.#lane.timedOut(this.socket);

  readonly #goOn = (): void => this.#advance();

  readonly #uncork = (): void => {
    this.#corked = false;
    this.socket.uncork();
  };

  constructor(lane: Lane, socket: Socket) {
    this.#lane = lane;
    this.socket = socket;
    this.scheme = "encrypted" in socket ? "https" : "http";
    this.remoteIp = socket.remoteAddress ?? "";
    this.remoteAddress = remoteAddressOf(socket);
    this.#sinceMs = lane.nowMs;
    socket.on("error", this.#onError);
    socket.on("close", this.#onClose);
    socket.on("end", this.#onEnd);
    socket.on("drain", this.#onDrain);
    socket.on("timeout", this.#onTimeout);
    socket.on("data", this.#onData);
  }

  get joinsDuplicateHeaders(): boolean | undefined {
    return this.#lane.joinsDuplicateHeaders;
  }

  /** Nothing is under way on it, and something was. */
  get idle(): boolean {
    return this.#state === "idle" && this.#held.length === 0;
  }

  /** The fields of a response that the server adds. */
  ownFields(dated: boolean): string {
    return this.#lane.ownFields(dated);
  }

  /** Writes text of one character an octet. False where the caller has to be waited for. */
  write(text: string): boolean {
    const { socket } = this;
    // A caller that has ended its way gets nothing more, as from Node's server.
    return text === "" || !socket.writable || socket.write(text, "latin1");
  }

  /** Writes octets with text around them, in one go. */
  writeAround(front: string, octets: Uint8Array, back: string): boolean {
    const { socket } = this;
    if (!socket.writable) {
      return true;
    }
    socket.cork();
    this.write(front);
    let hasRoom = socket.write(octets);
    if (back !== "") {
      hasRoom = socket.write(back, "latin1");
    }
    socket.uncork();
    return hasRoom;
  }

  /** Lets everything that is written in this turn of the event loop go out in one write, as Node does. */
  corkForTurn(): void {
    if (!this.#corked) {
      this.#corked = true;
      this.socket.cork();
      process.nextTick(this.#uncork);
    }
  }

  /** The response has been written to its end. */
  responded(): void {
    const arrival = this.#arrival;
    if (this.#state !== "serving" || arrival === undefined) {
      return;
    }
    arrival.responded();
    if (this.#lane.closing) {
      this.#state = "ending";
      this.socket.destroySoon();
    } else if (arrival.complete) {
      this.#rest();
    }
  }

  pauseBody(): void {
    this.#bodyPaused = true;
    this.#updateReading();
  }

  resumeBody(): void {
    this.#bodyPaused = false;
    if (this.#held.length > 0) {
      // Never from within whoever asks for it.
      process.nextTick(this.#goOn);
    }
    this.#updateReading();
  }

  /** The request has its answer and is not whole. */
  discardRest(): void {
    if (this.#state === "serving" && this.#arrival !== undefined) {
      discardRest(this.#arrival, this.socket);
    }
  }

  /** Hands the connection to the plugin; undefined where it is gone. No server's time or parser knows of it. */
  takeOver(): Socket | undefined {
    const { socket } = this;
    if (this.#state !== "serving" || socket.destroyed) {
      return undefined;
    }
    this.#leave();
    // `closeAllConnections` is for it, too, until it ends.
    socket.on("close", this.#onClose);
    socket.on("error", this.#onError);
    socket.setTimeout(0);
    socket.allowHalfOpen = true;
    return socket;
  }

  /** Looks at what has taken too long. */
  check(nowMs: number): void {
    const heldMs = nowMs - this.#sinceMs;
    const lane = this.#lane;
    if (this.#state === "fresh" && heldMs > laneSilenceMsMax) {
      this.#handOver();
    } else if (this.idle && this.socket.writableLength > 0) {
      // The caller still reads its response.
      this.#sinceMs = nowMs;
    } else if (this.idle && lane.isPast(lane.keepAliveMs, heldMs)) {
      this.#sinceMs = Number.POSITIVE_INFINITY;
      lane.timedOut(this.socket);
    } else if (
      this.#state === "serving" &&
      this.#arrival?.complete === false &&
      lane.isPast(lane.requestTimeoutMs, heldMs)
    ) {
      this.#refuse(requestTimedOut);
    }
  }

  /** Does what can be done with what has come. */
  #advance(): void {
    try {
      let moved = this.#held.length > 0;
      while (moved) {
        moved = this.#step();
      }
      this.#updateReading();
    } catch (error) {
      this.#lane.onError(error);
      this.socket.destroy();
    }
  }

  /** Returns whether there may be more to do. */
  #step(): boolean {
    switch (this.#state) {
      case "fresh":
      case "idle":
        // Who does not read its responses gets no further ones.
        return !this.socket.writableNeedDrain && this.#serveNext();
      case "serving": {
        const arrival = this.#arrival;
        if (arrival === undefined || !arrival.takesBody || this.#bodyPaused) {
          return false;
        }
        const held = this.#held;
        this.#held = nothing;
        const bytes = arrival.giveBody(held);
        this.#held = bytes === held.length ? nothing : held.subarray(bytes);
        if (arrival.complete && arrival.responseOver) {
          this.#rest();
          return false;
        }
        return this.#held.length > 0;
      }
      case "ending":
      case "left":
      case "closed":
        return false;
    }
  }

  #serveNext(): boolean {
    const octets = this.#held;
    const lane = this.#lane;
    const head = readPlainHead(octets, lane.limits);
    // Of pipelined requests Node's server runs several at once: who has more to say already is Node's.
    const pipelined = head !== undefined && octets.length > head.bytes + head.contentLength;
    if (head === undefined || pipelined || !lane.takes(head)) {
      this.#handOver();
      return false;
    }
    const before = this.#state;
    const arrival = new LaneArrival(this, head);
    this.#state = "serving";
    this.#arrival = arrival;
    this.#sinceMs = lane.nowMs;
    this.#held = head.bytes === octets.length ? nothing : octets.subarray(head.bytes);
    if (!lane.admit(arrival)) {
      this.#state = before;
      this.#arrival = undefined;
      this.#held = octets;
      this.#handOver();
      return false;
    }
    lane.served += 1;
    if (arrival.complete) {
      arrival.wasRead();
    }
    return this.#held.length > 0;
  }

  /** Waits for the next request. */
  #rest(): void {
    this.#state = "idle";
    this.#arrival = undefined;
    this.#sinceMs = this.#lane.nowMs;
    this.#bodyPaused = false;
    if (this.#held.length > 0) {
      // The exchange that has ended here has not told anybody yet.
      process.nextTick(this.#goOn);
    }
    this.#updateReading();
  }

  /** Reads while somebody takes what comes, or a little of it can be kept. */
  #updateReading(): void {
    const reads = !this.#bodyPaused && this.#held.length < laneHeldBytesMax;
    if (reads === this.#reading || this.#state === "left" || this.#state === "closed") {
      return;
    }
    this.#reading = reads;
    if (reads) {
      this.socket.resume();
    } else {
      this.socket.pause();
    }
  }

  /** Gives the connection to Node's server with all that has come and has not been served, for good. */
  #handOver(): void {
    const { socket } = this;
    this.#leave();
    this.#lane.forget(this);
    if (!socket.destroyed) {
      this.#lane.passToNode(socket);
      socket.resume();
    }
  }

  /** Lets go of the socket: paused, with all that nobody has read in it. */
  #leave(): void {
    const { socket } = this;
    this.#state = "left";
    this.#arrival = undefined;
    socket.off("data", this.#onData);
    socket.off("end", this.#onEnd);
    socket.off("drain", this.#onDrain);
    socket.off("timeout", this.#onTimeout);
    socket.off("error", this.#onError);
    socket.off("close", this.#onClose);
    socket.pause();
    if (this.#held.length > 0) {
      socket.unshift(this.#held);
      this.#held = nothing;
    }
  }

  /** Ends the connection as Node does over a request that is not whole: with a word where there is no answer yet. */
  #refuse(answer: string): void {
    if (this.#arrival?.unanswered === true) {
      this.write(answer);
    }
    this.socket.destroy();
  }
}
