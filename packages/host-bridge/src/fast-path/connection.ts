import type { Socket } from "node:net";
import { discardBody } from "../client/discard-body.js";
import type { FastPath } from "./fast-path.js";
import { FastPathRequest } from "./request.js";
import { fastPathHeldBytesMax, fastPathSilenceMsMax } from "../limits.js";
import { readPlainHead } from "./plain-request.js";
import { remoteAddressOf } from "../client/remote-address.js";

/**
 * A client's connection as long as all of its requests are plain. They are served one at a time; what comes behind one is kept,
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
type FastPathState = "fresh" | "idle" | "serving" | "ending" | "left" | "closed";

const nothing = Buffer.alloc(0);

/** What Node answers where a body ends early, or does not come in time. */
const badRequest = "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n";
const requestTimedOut = "HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n\r\n";

export class FastPathConnection {
  readonly socket: Socket;
  readonly scheme: "http" | "https";
  /** Without a port; empty where there is none (a unix socket). */
  readonly remoteIp: string;
  /** `"ip:port"`, or empty. */
  readonly remoteAddress: string;
  readonly #fastPath: FastPath;
  #state: FastPathState = "fresh";
  /** Of the request that is served. */
  #incoming: FastPathRequest | undefined;
  /** When the state began, or as of late as the fast path's clock tells; never in the future. */
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
    const incoming = this.#incoming;
    if (this.#state === "serving" && incoming !== undefined && !incoming.complete) {
      this.#refuse(badRequest);
    } else {
      this.#held = nothing;
      this.socket.end();
    }
  };

  readonly #onDrain = (): void => {
    this.#incoming?.drained();
    if (this.#state === "idle" && this.#held.length > 0) {
      this.#advance();
    }
  };

  readonly #onError = (error: Error): void => this.#fastPath.failed(error, this.socket);

  readonly #onClose = (): void => {
    const incoming = this.#incoming;
    this.#state = "closed";
    this.#incoming = undefined;
    this.#held = nothing;
    this.#fastPath.forget(this);
    incoming?.closed();
  };

  /** Of a time that somebody has set on the socket. */
  readonly #onTimeout = (): void => this.#fastPath.timedOut(this.socket);

  readonly #goOn = (): void => this.#advance();

  readonly #uncork = (): void => {
    this.#corked = false;
    this.socket.uncork();
  };

  constructor(fastPath: FastPath, socket: Socket) {
    this.#fastPath = fastPath;
    this.socket = socket;
    this.scheme = "encrypted" in socket ? "https" : "http";
    this.remoteIp = socket.remoteAddress ?? "";
    this.remoteAddress = remoteAddressOf(socket);
    this.#sinceMs = fastPath.nowMs;
    socket.on("error", this.#onError);
    socket.on("close", this.#onClose);
    socket.on("end", this.#onEnd);
    socket.on("drain", this.#onDrain);
    socket.on("timeout", this.#onTimeout);
    socket.on("data", this.#onData);
  }

  get joinsDuplicateHeaders(): boolean | undefined {
    return this.#fastPath.joinsDuplicateHeaders;
  }

  /** Nothing is under way on it, and something was. */
  get idle(): boolean {
    return this.#state === "idle" && this.#held.length === 0;
  }

  /** The fields of a response that the server adds. */
  ownFields(dated: boolean): string {
    return this.#fastPath.ownFields(dated);
  }

  /** Writes text of one character a byte. False where the client has to be waited for. */
  write(text: string): boolean {
    const { socket } = this;
    // A client that has ended its way gets nothing more, as from Node's server.
    return text === "" || !socket.writable || socket.write(text, "latin1");
  }

  /** Writes bytes with text around them, in one go. */
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
    const incoming = this.#incoming;
    if (this.#state !== "serving" || incoming === undefined) {
      return;
    }
    incoming.responded();
    if (this.#fastPath.closing) {
      this.#state = "ending";
      this.socket.destroySoon();
    } else if (incoming.complete) {
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
  discardBody(): void {
    if (this.#state === "serving" && this.#incoming !== undefined) {
      discardBody(this.#incoming, this.socket);
    }
  }

  /** Hands the connection to the plugin; undefined where it is gone. No server's time or parser knows of it. */
  detach(): Socket | undefined {
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
    const fastPath = this.#fastPath;
    if (this.#state === "fresh" && heldMs > fastPathSilenceMsMax) {
      this.#handOver();
    } else if (this.idle && this.socket.writableLength > 0) {
      // The client still reads its response.
      this.#sinceMs = nowMs;
    } else if (this.idle && fastPath.isPast(fastPath.keepAliveMs, heldMs)) {
      this.#sinceMs = Number.POSITIVE_INFINITY;
      fastPath.timedOut(this.socket);
    } else if (
      this.#state === "serving" &&
      this.#incoming?.complete === false &&
      fastPath.isPast(fastPath.requestTimeoutMs, heldMs)
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
      this.#fastPath.onError(error);
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
        const incoming = this.#incoming;
        if (incoming === undefined || !incoming.takesBody || this.#bodyPaused) {
          return false;
        }
        const held = this.#held;
        this.#held = nothing;
        const bytes = incoming.giveBody(held);
        this.#held = bytes === held.length ? nothing : held.subarray(bytes);
        if (incoming.complete && incoming.responseOver) {
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
    const fastPath = this.#fastPath;
    const head = readPlainHead(octets, fastPath.limits);
    // Of pipelined requests Node's server runs several at once: who has more to say already is Node's.
    const pipelined = head !== undefined && octets.length > head.bytes + head.contentLength;
    if (head === undefined || pipelined || !fastPath.takes(head)) {
      this.#handOver();
      return false;
    }
    const before = this.#state;
    const incoming = new FastPathRequest(this, head);
    this.#state = "serving";
    this.#incoming = incoming;
    this.#sinceMs = fastPath.nowMs;
    this.#held = head.bytes === octets.length ? nothing : octets.subarray(head.bytes);
    if (!fastPath.admit(incoming)) {
      this.#state = before;
      this.#incoming = undefined;
      this.#held = octets;
      this.#handOver();
      return false;
    }
    fastPath.served += 1;
    if (incoming.complete) {
      incoming.wasRead();
    }
    return this.#held.length > 0;
  }

  /** Waits for the next request. */
  #rest(): void {
    this.#state = "idle";
    this.#incoming = undefined;
    this.#sinceMs = this.#fastPath.nowMs;
    this.#bodyPaused = false;
    if (this.#held.length > 0) {
      // The exchange that has ended here has not told anybody yet.
      process.nextTick(this.#goOn);
    }
    this.#updateReading();
  }

  /** Reads while somebody takes what comes, or a little of it can be kept. */
  #updateReading(): void {
    const reads = !this.#bodyPaused && this.#held.length < fastPathHeldBytesMax;
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
    this.#fastPath.forget(this);
    if (!socket.destroyed) {
      this.#fastPath.passToNode(socket);
      socket.resume();
    }
  }

  /** Lets go of the socket: paused, with all that nobody has read in it. */
  #leave(): void {
    const { socket } = this;
    this.#state = "left";
    this.#incoming = undefined;
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
    if (this.#incoming?.unanswered === true) {
      this.write(answer);
    }
    this.socket.destroy();
  }
}
