import { type Client, ClientSocket } from "../exchange/client-socket.js";
import { hasRoom } from "../exchange/write-promise.js";
import { clientSocketIdleMs } from "../limits.js";

/** The exchange that a socket serves. */
export interface SocketExchange {
  /** Node's request has room for more of its body. */
  resumeBody(): void;
  /** What Node's response has written. Returns what to wait for, or why it can't be sent. */
  send(chunks: readonly Buffer[]): Promise<void> | Error | undefined;
  /** Everything that the response has written was sent: ends it, then calls back. */
  end(settle: () => void): void;
  /** There is room to write again. */
  drained(): void;
  /** The time of `setTimeout` has passed without traffic. Says whether anybody listens to that. */
  idle(): boolean;
  /** Something failed on the connection. */
  failed(error: unknown): void;
  /** The socket is destroyed. */
  closed(error: Error | null): void;
  /** The response has ended. */
  readonly ended: boolean;
}

/**
 * What Node's request and response take for their connection. The request asks it for the body by
 * `resume`, the response writes its body to it, without framing. It serves one exchange, or those
 * of one client connection, one after the other.
 *
 * resting -> serving [serve]; serving -> resting, closed [release]; any -> closed [_destroy]
 */
export class NodeSocket extends ClientSocket {
  #exchange: SocketExchange | undefined;
  /** There where the socket is kept for the next exchange: called when it can't be any more. */
  #forget: (() => void) | undefined;
  /** Closes it when no exchange has followed. */
  #restTimer: NodeJS.Timeout | undefined;
  /** Tells Node's response, by this name, that not all of it was sent: it emits no `finish`. */
  _hadError = false;

  /**
   * @param forget called when no other exchange can follow; default: the socket is for one exchange
   */
  constructor(client: Client, highWaterMark?: number, forget?: () => void) {
    super(client, highWaterMark);
    this.#forget = forget;
    // As a server of Node's does: a broken connection, or a write after the end, must not end the
    // process.
    this.on("error", (error) => this.#exchange?.failed(error));
    this.on("drain", () => this.#exchange?.drained());
  }

  /** Whether an exchange has it. */
  get serving(): boolean {
    return this.#exchange !== undefined;
  }

  serve(exchange: SocketExchange): void {
    this.#exchange = exchange;
  }

  /** The exchange is over. `kept` is false where nothing can follow it on the connection. */
  release(kept: boolean): void {
    this.#exchange = undefined;
    if (this.timeout !== undefined) {
      this.setTimeout(0);
    }
    if (kept && this.#forget !== undefined && this.writable) {
      this.#rest();
    } else {
      this.#forgetIt();
      this.destroySoon();
    }
  }

  /** The response ends behind everything that it has written. */
  endResponse(): void {
    this.write(endOfResponse);
  }

  /** Called by Node's request: it has room. */
  override resume(): this {
    this.touch();
    if (this.isPaused()) {
      super.resume();
    }
    this.#exchange?.resumeBody();
    return this;
  }

  override _read(): void {
    // The request has the bytes; the socket itself is never read.
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, settle: Settle): void {
    this.#sendAll([chunk], settle);
  }

  override _writev(waiting: { chunk: Buffer }[], settle: Settle): void {
    this.#sendAll(
      waiting.map(({ chunk }) => chunk),
      settle,
    );
  }

  override _final(settle: Settle): void {
    const exchange = this.#exchange;
    if (exchange === undefined || exchange.ended) {
      settle();
    } else {
      settle(new Error("the connection was ended before the response"));
    }
  }

  override _destroy(error: Error | null, settle: Settle): void {
    this.stopIdleTimer();
    this.#forgetIt();
    const exchange = this.#exchange;
    this._hadError = exchange?.ended === false;
    exchange?.closed(error);
    settle(error);
  }

  protected override onIdle(): void {
    const isHeard = [this.emit("timeout"), this.#exchange?.idle() === true];
    // As Node's server does.
    if (!isHeard.includes(true)) {
      this.destroy();
    }
  }

  #rest(): void {
    if (this.#restTimer !== undefined) {
      this.#restTimer.refresh();
      return;
    }
    const close = (): void => {
      if (!this.serving) {
        this.destroy();
      }
    };
    this.#restTimer = setTimeout(close, clientSocketIdleMs).unref();
  }

  #forgetIt(): void {
    clearTimeout(this.#restTimer);
    this.#forget?.();
    this.#forget = undefined;
  }

  #sendAll(chunks: readonly Buffer[], settle: Settle): void {
    this.touch();
    const exchange = this.#exchange;
    if (exchange === undefined) {
      settle(new Error("the connection itself can be written to after an upgrade only"));
      return;
    }
    const end = chunks.indexOf(endOfResponse);
    const given = end < 0 ? chunks : chunks.slice(0, end);
    const sent = given.length === 0 ? undefined : exchange.send(given);
    if (sent instanceof Error) {
      settle(sent);
      return;
    }
    const bytes = given.reduce((sum, { length }) => sum + length, 0);
    const proceed = (): void => {
      this.bytesSent += bytes;
      if (end < 0) {
        settle();
      } else {
        exchange.end(settle);
      }
    };
    if (sent === undefined || hasRoom(sent)) {
      proceed();
      return;
    }
    sent.then(proceed, () => {
      // The exchange was given up. To a handler that is a closed connection without an error, as
      // with Node.
      this.destroy();
      settle();
    });
  }
}

/** What `endResponse` writes: it comes behind what still waits to be written. */
const endOfResponse = Buffer.alloc(0);

type Settle = (error?: Error | null) => void;
