import type { IncomingMessage, ServerResponse } from "node:http";
import { isThenable, ServeHTTPError } from "@servehttp/contract";
import type { PluginRequest } from "../handler/plugin-request.js";
import type { ResponseWriter } from "../handler/response-writer.js";
import { joinBytesMax } from "../limits.js";
import { NodeBodyPump } from "./node-body-pump.js";
import { connectionReset, detachSignal, toIncomingMessage } from "./node-request.js";
import {
  close,
  drained,
  fieldLines,
  type Fields,
  type ResponseHooks,
  toServerResponse,
  trailersOf,
} from "./node-response.js";
import type { NodeSocket, SocketExchange } from "./node-socket.js";
import type { ServerTraits } from "./server-traits.js";

/**
 * One exchange with a listener of Node's: its request and response, which have the socket for their
 * connection.
 *
 * open -> ending [finishWrites]; ending -> ended [#end]; ended -> left [#leave]
 * open, ending -> broken [closed]
 */
export class NodeExchange implements ResponseHooks, SocketExchange {
  readonly incoming: IncomingMessage;
  readonly outgoing: ServerResponse;
  readonly #request: PluginRequest;
  readonly #response: ResponseWriter;
  readonly #socket: NodeSocket;
  readonly #body: NodeBodyPump;
  readonly #over = Promise.withResolvers<void>();
  #state: "open" | "ending" | "ended" | "left" | "broken" = "open";
  /** Node's response has emitted `finish`. */
  #isFinished = false;
  /** The beginning of an informational head that is written in pieces. */
  #interimText = "";
  // What comes now is written by `end`: the last chunk waits, to go out with the end.
  #isLastWrite = false;
  #lastChunk: Buffer | undefined;
  /** The response was given something to send. */
  #hasSent = false;

  constructor(
    request: PluginRequest,
    response: ResponseWriter,
    traits: ServerTraits,
    socket: NodeSocket,
  ) {
    this.#request = request;
    this.#response = response;
    this.#socket = socket;
    socket.serve(this);
    this.incoming = toIncomingMessage(request, socket, traits);
    this.outgoing = toServerResponse(this.incoming, socket, traits, this);
    this.#body = new NodeBodyPump(request, this.incoming, socket);
    // A response that can't be written must not end the process.
    this.outgoing.on("error", ignore);
    this.outgoing.on("finish", this.#onFinish);
    request.signal.addEventListener("abort", this.#onAbort);
  }

  get ended(): boolean {
    return this.#state === "ended" || this.#state === "left";
  }

  /**
   * Calls the listener. Settles when the exchange is over: rejects where the listener has failed or
   * has broken the connection.
   */
  carry(listener: () => unknown): Promise<void> {
    try {
      const result = listener();
      if (isThenable(result)) {
        result.then(undefined, this.failed);
      }
    } catch (thrown) {
      this.failed(thrown);
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
      if (this.#state === "open") {
        this.#state = "ending";
        this.#socket.endResponse();
      }
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

  resumeBody(): void {
    this.#body.resume();
  }

  send(chunks: readonly Buffer[]): Promise<void> | Error | undefined {
    let written: Promise<void> | undefined;
    for (const chunk of this.#joined(chunks)) {
      if (!this.outgoing.headersSent) {
        const problem = this.#writeBeforeHead(chunk);
        if (problem !== undefined) {
          return problem;
        }
      } else if (chunk.length > 0) {
        written = this.#writeBody(chunk) ?? written;
      } else if (!this.#isLastWrite) {
        // flushHeaders() writes nothing.
        this.#hasSent = true;
        written = this.#response.flush();
      }
    }
    return written;
  }

  /**
   * The end of the response tells the host to send no more of the request. Where the handler still
   * reads the request, as Node allows, the end waits.
   */
  end(settle: () => void): void {
    if (!this.#body.isUnderWay) {
      this.#end();
      settle();
      return;
    }
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
      this.#end();
      settle();
    };
    this.incoming.on("close", proceed);
    this.incoming.on("pause", proceed);
  }

  drained(): void {
    drained(this.outgoing);
  }

  idle(): boolean {
    const isHeard = [
      !this.incoming.complete && this.incoming.emit("timeout", this.#socket),
      this.outgoing.emit("timeout", this.#socket),
    ];
    return isHeard.includes(true);
  }

  readonly failed = (thrown: unknown): void => {
    // The socket may be another exchange's by then.
    if (!this.ended) {
      this.#break(thrown);
      this.#socket.destroy();
    }
  };

  closed(error: Error | null): void {
    if (this.#state !== "open" && this.#state !== "ending") {
      return;
    }
    this.#state = "broken";
    this.#request.signal.removeEventListener("abort", this.#onAbort);
    this.incoming.destroy(connectionReset());
    if (this.#request.signal.aborted) {
      this.#over.resolve();
    } else {
      const message = "the handler destroyed the connection before the response had ended";
      this.#break(error ?? new ServeHTTPError("handler-failed", message));
    }
  }

  readonly #onAbort = (): void => {
    this.#socket.destroy();
  };

  readonly #onFinish = (): void => {
    this.#isFinished = true;
    this.#leave();
  };

  #end(): void {
    if (this.#state !== "ending") {
      return;
    }
    this.#state = "ended";
    this.#request.signal.removeEventListener("abort", this.#onAbort);
    for (const [name, value] of trailersOf(this.outgoing)) {
      this.#response.trailers.append(name, value);
    }
    void this.#response.end(this.#lastChunk);
    detachSignal(this.incoming);
    this.#over.resolve();
    this.#body.leave();
    this.#leave();
  }

  /**
   * Gives the socket back, once the response has ended and Node's has said so: behind what the
   * handler does in this turn, because a write after the end is told by an error of the response.
   */
  #leave(): void {
    if (this.#state !== "ended" || !this.#isFinished || this.#socket.destroyed) {
      return;
    }
    this.#state = "left";
    const { outgoing } = this;
    outgoing.detachSocket(this.#socket.asNodeSocket());
    process.nextTick(close, outgoing);
    this.#socket.release(this.#body.isOver);
  }

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

  #joined(chunks: readonly Buffer[]): readonly Buffer[] {
    if (chunks.length === 1 || !this.outgoing.headersSent) {
      return chunks;
    }
    const bytes = chunks.reduce((sum, { length }) => sum + length, 0);
    return bytes > 0 && bytes <= joinBytesMax ? [Buffer.concat(chunks, bytes)] : chunks;
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
}

/** With a head that goes out by itself, the host sends chunks, also where one write is the whole. */
function asksForChunks(fields: Fields): boolean {
  return fields.some(
    ([name, value]) => name.toLowerCase() === "transfer-encoding" && /chunked/i.test(value),
  );
}

function ignore(): void {
  // Node has called back the write that failed.
}
