import type { IncomingMessage, ServerResponse } from "node:http";
import { isThenable, ServeHTTPError } from "@servehttp/contract";
import { clientOf, ClientSocket } from "../exchange/client-socket.js";
import { joinBytesMax } from "../limits.js";
import type { PluginRequest } from "../handler/plugin-request.js";
import type { ResponseWriter } from "../handler/response-writer.js";
import { hasRoom } from "../exchange/write-promise.js";
import { NodeBodyPump } from "./node-body-pump.js";
import { connectionReset, detachSignal, toIncomingMessage } from "./node-request.js";
import {
  drained,
  fieldLines,
  type Fields,
  type ResponseHooks,
  toServerResponse,
  trailersOf,
} from "./node-response.js";
import type { ServerTraits } from "./server-traits.js";

/**
 * What Node's request and response take for their connection. The request asks it for the body by
 * `resume`, the response writes its body to it, without framing. It lives for one exchange.
 *
 * open -> ended [#end]; open, ended -> closed [_destroy]
 */
export class NodeSocket extends ClientSocket implements ResponseHooks {
  readonly incoming: IncomingMessage;
  readonly outgoing: ServerResponse;
  readonly #request: PluginRequest;
  readonly #response: ResponseWriter;
  readonly #body: NodeBodyPump;
  readonly #over = Promise.withResolvers<void>();
  #state: "open" | "ended" | "closed" = "open";
  /** The beginning of an informational head that is written in pieces. */
  #interimText = "";
  // What comes now is written by `end`: the last chunk waits, to go out with the end.
  #isLastWrite = false;
  #lastChunk: Buffer | undefined;
  /** The response was given something to send. */
  #hasSent = false;

  constructor(request: PluginRequest, response: ResponseWriter, traits: ServerTraits) {
    super(clientOf(request.remoteAddress, request.scheme), traits.highWaterMark);
    this.#request = request;
    this.#response = response;
    this.incoming = toIncomingMessage(request, this, traits);
    this.outgoing = toServerResponse(this.incoming, this, traits, this);
    this.#body = new NodeBodyPump(request, this.incoming, this);
    // As a server of Node's does: a broken connection, or a write after the end, must not end the
    // process.
    this.on("error", this.#fail);
    this.outgoing.on("error", ignore);
    this.on("drain", () => drained(this.outgoing));
    request.signal.addEventListener("abort", this.#onAbort);
  }

  /**
   * Calls the listener. Settles when the exchange is over: rejects where the listener has failed or
   * has broken the connection.
   */
  carry(listener: () => unknown): Promise<void> {
    try {
      const result = listener();
      if (isThenable(result)) {
        result.then(undefined, this.#fail);
      }
    } catch (thrown) {
      this.#fail(thrown);
    }
    return this.#over.promise;
  }

  sendInformational(status: number, fields: Fields): void {
    void this.#response.informational(status, fields);
  }

  commitHead(status: number, reason: string | undefined, fields: Fields): void {
    for (const [name, value] of fields) {
      this.#response.headers.append(name, value);
    }
    this.#response.writeHead(status, reason);
    if (asksForChunks(fields)) {
      void this.#response.flush();
    }
  }

  expectLastWrite(): void {
    this.#isLastWrite = true;
  }

  finishWrites(): void {
    if (this.outgoing.writableEnded) {
      this.end();
      return;
    }
    // Node's `end` threw, or a class of the application's calls it later.
    this.#isLastWrite = false;
    const chunk = this.#lastChunk;
    this.#lastChunk = undefined;
    if (chunk !== undefined) {
      void this.#response.write(chunk);
    }
  }

  /** Called by Node's request: it has room. */
  override resume(): this {
    this.touch();
    this.#body.resume();
    return this;
  }

  override _read(): void {
    // The request has the bytes; the socket itself is never read.
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, settle: Settle): void {
    this.#writeAll([chunk], settle);
  }

  override _writev(waiting: { chunk: Buffer }[], settle: Settle): void {
    const chunks = waiting.map(({ chunk }) => chunk);
    const bytes = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
    const canJoin = this.outgoing.headersSent && bytes > 0 && bytes <= joinBytesMax;
    this.#writeAll(canJoin ? [Buffer.concat(chunks, bytes)] : chunks, settle);
  }

  override _final(settle: Settle): void {
    if (!this.outgoing.writableEnded) {
      settle(new Error("the connection was ended before the response"));
    } else if (this.#body.isUnderWay) {
      this.#endAfterUpload(settle);
    } else {
      this.#end(settle);
    }
  }

  override _destroy(error: Error | null, settle: Settle): void {
    this.stopIdleTimer();
    this.#request.signal.removeEventListener("abort", this.#onAbort);
    if (this.#state === "open") {
      this.incoming.destroy(connectionReset());
      if (this.#request.signal.aborted) {
        this.#over.resolve();
      } else {
        const message = "the handler destroyed the connection before the response had ended";
        this.#break(error ?? new ServeHTTPError("handler-failed", message));
      }
    }
    this.#state = "closed";
    settle(error);
  }

  protected override onIdle(): void {
    const isHeard = [
      this.emit("timeout"),
      !this.incoming.complete && this.incoming.emit("timeout", this),
      this.outgoing.emit("timeout", this),
    ];
    // As Node's server does.
    if (!isHeard.includes(true)) {
      this.destroy();
    }
  }

  readonly #onAbort = (): void => {
    this.destroy();
  };

  readonly #fail = (thrown: unknown): void => {
    this.#break(thrown);
    this.destroy();
  };

  /**
   * Makes the exchange fail. What the handler may have been told is written goes out before, at the
   * end of this turn, as it would on a connection of its own.
   */
  #break(reason: unknown): void {
    if (this.#hasSent) {
      setImmediate(this.#over.reject, reason);
    } else {
      this.#over.reject(reason);
    }
  }

  #writeAll(chunks: readonly Buffer[], settle: Settle): void {
    this.touch();
    let written: Promise<void> | undefined;
    let bytes = 0;
    for (const chunk of chunks) {
      bytes += chunk.length;
      if (!this.outgoing.headersSent) {
        const problem = this.#writeBeforeHead(chunk);
        if (problem !== undefined) {
          settle(problem);
          return;
        }
      } else if (chunk.length > 0) {
        written = this.#writeBody(chunk) ?? written;
      } else if (!this.#isLastWrite) {
        // flushHeaders() writes nothing.
        this.#hasSent = true;
        written = this.#response.flush();
      }
    }
    this.#afterwards(written, bytes, settle);
  }

  /** Before the final head, Node's response writes informational heads and nothing else. */
  #writeBeforeHead(chunk: Buffer): Error | undefined {
    const text = this.#interimText + chunk.toString("latin1");
    const status = /^HTTP\/1\.1 (1\d\d) /.exec(text)?.[1];
    if (status === undefined) {
      return new Error("the connection itself can be written to after an upgrade only");
    }
    const isWhole = text.endsWith("\r\n\r\n");
    this.#interimText = isWhole ? "" : text;
    if (!isWhole) {
      return undefined;
    }
    this.sendInformational(Number(status), fieldLines(text));
    return undefined;
  }

  #writeBody(chunk: Buffer): Promise<void> | undefined {
    if (!this.#isLastWrite) {
      this.#hasSent = true;
      return this.#response.write(chunk);
    }
    const previous = this.#lastChunk;
    this.#lastChunk = chunk;
    return previous === undefined ? undefined : this.#response.write(previous);
  }

  /**
   * The end of the response tells the host to send no more of the request. Where the handler still
   * reads the request, as Node allows, the end waits.
   */
  #endAfterUpload(settle: Settle): void {
    if (this.#lastChunk !== undefined) {
      void this.#response.write(this.#lastChunk);
      this.#lastChunk = undefined;
    }
    void this.#response.flush();
    const proceed = (): void => {
      if (this.#body.isUnderWay) {
        return;
      }
      this.incoming.off("close", proceed);
      this.incoming.off("pause", proceed);
      this.#end(settle);
    };
    this.incoming.on("close", proceed);
    this.incoming.on("pause", proceed);
  }

  #end(settle: Settle): void {
    if (this.#state === "open") {
      this.#state = "ended";
      for (const [name, value] of trailersOf(this.outgoing)) {
        this.#response.trailers.append(name, value);
      }
      void this.#response.end(this.#lastChunk);
      detachSignal(this.incoming);
      this.#over.resolve();
      this.#body.leave();
    }
    settle();
    // Behind what the handler does in this turn: a write after the end is told by an error of the
    // response, which a response that is destroyed does not emit.
    process.nextTick(() => this.destroy());
  }

  #afterwards(written: Promise<void> | undefined, bytes: number, settle: Settle): void {
    if (written === undefined || hasRoom(written)) {
      this.bytesSent += bytes;
      settle();
      return;
    }
    written.then(
      () => {
        this.bytesSent += bytes;
        settle();
      },
      () => {
        // The exchange was given up. To a handler that is a closed connection without an error, as
        // with Node.
        this.destroy();
        settle();
      },
    );
  }
}

/** With a head that goes out by itself, the host sends chunks, also where one write is the whole. */
function asksForChunks(fields: Fields): boolean {
  return fields.some(
    ([name, value]) => name.toLowerCase() === "transfer-encoding" && /chunked/i.test(value),
  );
}

type Settle = (error?: Error | null) => void;

function ignore(): void {
  // Node has called back the write that failed.
}
