import type { Socket } from "node:net";
import { closeInStages } from "../client/close-in-stages.js";
import { connectionIdOf } from "../client/connection-ids.js";
import { discardBody, isLongBody } from "../client/discard-body.js";
import { noticeDeadClient } from "../client/notice-dead-client.js";
import { isEncrypted } from "../client/is-encrypted.js";
import { peerOf, remoteAddressOf } from "../client/remote-address.js";
import { fastPathHeldBytesMax, fastPathSilenceMsMax } from "../limits.js";
import type { ConnectionOwner, OwnedConnection } from "./connection-owner.js";
import { LastFields } from "./last-fields.js";
import { readPlainHead } from "./plain-request.js";
import { FastPathRequest, type RequestConnection } from "./request.js";
import { SocketIo } from "./socket-io.js";

/**
 * A client's connection as long as all of its requests are plain. Requests are served one at a
 * time. What comes behind a request is held, up to a bound, until the response has been written.
 *
 *   fresh   -> serving  [#serveNext]  the first request is plain
 *   fresh   -> left     [#handOver]   it isn't, or nothing came for a while: Node reads on
 *   serving -> idle     [#rest]       request and response are whole
 *   serving -> ending   [responded]   the response says that the connection closes
 *   idle    -> serving  [#serveNext]
 *   idle    -> left     [#handOver]
 *   serving -> left     [detach]      the plugin took the connection over
 *   serving -> left     [#close]      the rest of the request is not worth keeping the connection
 *   any     -> closed   [#onClose]
 */
type FastPathState = "fresh" | "idle" | "serving" | "ending" | "left" | "closed";

/** What Node answers where a body ends early, or does not come in time. */
const badRequest = "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n";
const requestTimedOut = "HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n\r\n";

export class FastPathConnection implements OwnedConnection, RequestConnection {
  readonly socket: Socket;
  readonly io: SocketIo;
  readonly scheme: "http" | "https";
  readonly peer: string;
  readonly remoteAddress: string;
  readonly #owner: ConnectionOwner;
  #state: FastPathState = "fresh";
  /** The request that is being served. */
  #request: FastPathRequest | undefined;
  /** When the state began: as late as the fast path's clock can tell, and never in the future. */
  #sinceMs: number;
  #bodyPaused = false;
  readonly #lastFields = new LastFields();
  /** The response has said that the connection closes. */
  #saidClose = false;
  #connectionId: string | undefined;

  readonly #onData = (bytes: Buffer): void => {
    this.io.hold(bytes);
    this.#advance();
  };

  /**
   * As Node does without `httpAllowHalfOpen`: a client that ends its side of the connection gets no
   * further answers.
   */
  readonly #onEnd = (): void => {
    if (this.#state === "serving" && this.#request?.complete === false) {
      this.#refuse(badRequest);
    } else {
      this.io.drop();
      this.socket.end();
    }
  };

  readonly #onDrain = (): void => {
    this.#request?.drained();
    if (this.#state === "idle" && this.io.heldBytes > 0) {
      this.#advance();
    }
  };

  readonly #onError = (error: Error): void => this.#owner.failed(error, this.socket);

  readonly #onClose = (): void => {
    const request = this.#request;
    this.#state = "closed";
    this.#request = undefined;
    this.io.drop();
    this.io.bodyOver();
    this.#owner.forget(this);
    request?.connectionClosed();
  };

  readonly #onTimeout = (): void => this.#owner.timedOut(this.socket);

  readonly #goOn = (): void => this.#advance();

  constructor(owner: ConnectionOwner, socket: Socket) {
    this.#owner = owner;
    this.socket = socket;
    this.io = new SocketIo(socket, owner.budget);
    this.scheme = isEncrypted(socket) ? "https" : "http";
    this.peer = peerOf(socket);
    this.remoteAddress = remoteAddressOf(socket);
    this.#sinceMs = owner.nowMs;
    noticeDeadClient(socket);
    socket.on("error", this.#onError);
    socket.on("close", this.#onClose);
    socket.on("end", this.#onEnd);
    socket.on("drain", this.#onDrain);
    socket.on("timeout", this.#onTimeout);
    socket.on("data", this.#onData);
  }

  get joinsDuplicateHeaders(): boolean | undefined {
    return this.#owner.joinsDuplicateHeaders;
  }

  get connectionId(): string {
    return (this.#connectionId ??= connectionIdOf(this.socket));
  }

  get idle(): boolean {
    return this.#state === "idle" && this.io.heldBytes === 0;
  }

  ownFields(dated: boolean, early: boolean): string {
    const request = this.#request;
    this.#saidClose = early && request?.complete === false && isLongBody(request.contentLength);
    return this.#owner.ownFields(dated, this.#saidClose);
  }

  dateField(): string {
    return this.#owner.dateField();
  }

  responded(): void {
    const request = this.#request;
    if (this.#state !== "serving" || request === undefined) {
      return;
    }
    request.responded();
    this.io.bodyOver();
    if (!request.complete) {
      // `discardBody` follows.
    } else if (this.#closes()) {
      this.#state = "ending";
      this.socket.destroySoon();
    } else {
      this.#rest();
    }
  }

  pauseBody(): void {
    this.#bodyPaused = true;
    this.#updateReading();
  }

  resumeBody(): void {
    this.#bodyPaused = false;
    if (this.io.heldBytes > 0) {
      // In a later tick, because the sink that asks for more is not done yet.
      process.nextTick(this.#goOn);
    }
    this.#updateReading();
  }

  discardBody(): void {
    const request = this.#request;
    if (this.#state !== "serving" || request === undefined) {
      return;
    }
    if (this.#closes()) {
      this.#close(request);
    } else {
      const stop = discardBody(request, this.socket, {
        onWhole: () => undefined,
        onBeyond: () => {
          stop();
          this.#close(request);
        },
      });
    }
  }

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

  check(nowMs: number): void {
    const heldMs = nowMs - this.#sinceMs;
    const owner = this.#owner;
    if (this.#state === "fresh" && heldMs > fastPathSilenceMsMax) {
      this.#handOver();
    } else if (this.idle && this.socket.writableLength > 0) {
      // The client still reads its response.
      this.#sinceMs = nowMs;
    } else if (this.idle && owner.isPast(owner.keepAliveMs, heldMs)) {
      this.#sinceMs = Number.POSITIVE_INFINITY;
      owner.timedOut(this.socket);
    } else if (
      this.#state === "serving" &&
      this.#request?.complete === false &&
      owner.isPast(owner.requestTimeoutMs, heldMs)
    ) {
      this.#refuse(requestTimedOut);
    }
  }

  /** Does what can be done with the bytes that are held. */
  #advance(): void {
    try {
      let moved = this.io.heldBytes > 0;
      while (moved) {
        moved = this.#step();
      }
      this.#updateReading();
    } catch (error) {
      this.#owner.onError(error);
      this.socket.destroy();
    }
  }

  /** Returns whether there may be more to do. */
  #step(): boolean {
    switch (this.#state) {
      case "fresh":
      case "idle":
        // A client that does not read its responses gets no further ones.
        return !this.socket.writableNeedDrain && this.#serveNext();
      case "serving": {
        const request = this.#request;
        if (request === undefined || !request.takesBody || this.#bodyPaused) {
          return false;
        }
        const held = this.io.take();
        const bytes = request.giveBody(held, this.io.owned);
        if (this.#request !== request) {
          // Whoever got the bytes has ended the connection.
          return false;
        }
        if (bytes < held.length) {
          this.io.putBackShared(held.subarray(bytes));
        }
        if (request.complete && request.responseOver) {
          this.#rest();
          return false;
        }
        return this.io.heldBytes > 0;
      }
      case "ending":
      case "left":
      case "closed":
        return false;
    }
  }

  #serveNext(): boolean {
    const { io } = this;
    const owner = this.#owner;
    const bytes = io.take();
    const head = readPlainHead(bytes, owner.limits, this.#lastFields);
    // Node's server runs pipelined requests at once, so a client that has sent more than one
    // request is left to Node.
    const pipelined = head !== undefined && bytes.length > head.bytes + head.contentLength;
    if (head === undefined || pipelined || !owner.takes(head)) {
      io.putBack(bytes);
      this.#handOver();
      return false;
    }
    const before = this.#state;
    const request = new FastPathRequest(this, head);
    this.#state = "serving";
    this.#request = request;
    this.#sinceMs = owner.nowMs;
    if (head.bytes < bytes.length) {
      io.putBack(bytes.subarray(head.bytes));
    }
    if (!owner.admit(request)) {
      this.#state = before;
      this.#request = undefined;
      io.putBack(bytes);
      this.#handOver();
      return false;
    }
    owner.onServed();
    if (request.complete) {
      request.wasRead();
    }
    return io.heldBytes > 0;
  }

  /** Waits for the next request. */
  #rest(): void {
    this.#state = "idle";
    this.#request = undefined;
    this.#sinceMs = this.#owner.nowMs;
    this.#bodyPaused = false;
    if (this.io.heldBytes > 0) {
      // In a later tick, because the exchange that ends here has not told its plugin yet.
      process.nextTick(this.#goOn);
    }
    this.#updateReading();
  }

  /** Reads while the body has a sink, or a little of what comes can be held. */
  #updateReading(): void {
    if (this.#state !== "left" && this.#state !== "closed") {
      this.io.setReading(!this.#bodyPaused && this.io.heldBytes < fastPathHeldBytesMax);
    }
  }

  /**
   * Gives the connection to Node's server with all that has come and has not been served, for good.
   */
  #handOver(): void {
    const { socket } = this;
    this.#leave();
    this.#owner.forget(this);
    if (!socket.destroyed) {
      this.#owner.passToNode(socket);
      socket.resume();
    }
  }

  /** Whether the connection closes behind the response. */
  #closes(): boolean {
    return this.#saidClose || this.#owner.closing;
  }

  /** Closes the connection while the client may still be sending. */
  #close(request: FastPathRequest): void {
    const { socket } = this;
    this.#leave();
    // `closeAllConnections` is for it, too, until it is closed.
    socket.on("close", this.#onClose);
    socket.on("error", this.#onError);
    closeInStages(socket, request.contentLength);
  }

  /** Lets go of the socket. */
  #leave(): void {
    const { socket } = this;
    this.#state = "left";
    this.#request = undefined;
    socket.off("data", this.#onData);
    socket.off("end", this.#onEnd);
    socket.off("drain", this.#onDrain);
    socket.off("timeout", this.#onTimeout);
    socket.off("error", this.#onError);
    socket.off("close", this.#onClose);
    this.io.release();
  }

  /**
   * Ends the connection as Node does over a request that is not whole: with a status where there is
   * no answer yet.
   */
  #refuse(answer: string): void {
    if (this.#request?.unanswered === true) {
      this.io.write(answer);
    }
    this.socket.destroy();
  }
}
