import type { IncomingMessage } from "node:http";
import type { Http2ServerRequest } from "node:http2";
import { type End, type ExchangeChannel, plainEnd, type RequestParts } from "@servehttp/contract";

/** The request of any Node server. */
export type NodeRequest = IncomingMessage | Http2ServerRequest;

/**
 * Sends the body of a caller's request to a plugin, as it comes and as the carrier has room, and its end when the caller's
 * framing says so. A body that is cut off has no end.
 */
export class RequestSender {
  readonly #request: NodeRequest;
  readonly #channel: ExchangeChannel<RequestParts>;
  readonly #chunkBytes: number;
  readonly #trailersOf: (rawTrailers: readonly string[]) => readonly string[];
  readonly #onMoved: () => void;
  /** sending -> sent [#onEnd], sending -> stopped [stop] */
  #state: "sending" | "sent" | "stopped" = "sending";
  readonly #onData = (chunk: Buffer): void => this.#send(chunk);
  readonly #onEnd = (): void => this.#end();

  constructor(
    request: NodeRequest,
    channel: ExchangeChannel<RequestParts>,
    chunkBytes: number,
    trailersOf: (rawTrailers: readonly string[]) => readonly string[],
    onMoved: () => void,
  ) {
    this.#request = request;
    this.#channel = channel;
    this.#chunkBytes = chunkBytes;
    this.#trailersOf = trailersOf;
    this.#onMoved = onMoved;
    request.on("data", this.#onData);
    request.on("end", this.#onEnd);
  }

  /** Whether the whole request has been sent. */
  get complete(): boolean {
    return this.#state === "sent";
  }

  /** Sends nothing more; what the caller still sends is left where it is. */
  stop(): void {
    if (this.#state !== "sending") {
      return;
    }
    this.#state = "stopped";
    this.#request.off("data", this.#onData);
    this.#request.off("end", this.#onEnd);
    this.#request.pause();
  }

  #send(chunk: Buffer): void {
    let room: void | Promise<void> = undefined;
    for (let offset = 0; offset < chunk.length; offset += this.#chunkBytes) {
      room = this.#channel.send({ chunk: chunk.subarray(offset, offset + this.#chunkBytes) });
    }
    this.#onMoved();
    if (room === undefined) {
      return;
    }
    const request = this.#request;
    request.pause();
    const goOn = () => {
      if (this.#state === "sending") {
        request.resume();
      }
    };
    // A rejection says that the exchange is over; whoever ended it has stopped this sender.
    room.then(goOn, goOn);
  }

  #end(): void {
    this.#state = "sent";
    const fields = this.#trailersOf(this.#request.rawTrailers);
    const end: End = fields.length === 0 ? plainEnd : { trailers: fields };
    void this.#channel.send({ end });
  }
}
