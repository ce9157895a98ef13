import { type End, type ExchangeChannel, plainEnd, type RequestParts } from "@servehttp/contract";
import type { BodySink, RequestBody } from "../client/request-body.js";

/**
 * Sends the body of a client's request to a plugin, as it comes and as the carrier has room, and its end when the client's
 * framing says so. A body that is cut off has no end.
 */
export class RequestSender implements BodySink {
  readonly #body: RequestBody;
  readonly #channel: ExchangeChannel<RequestParts>;
  readonly #chunkBytes: number;
  readonly #trailersOf: (rawTrailers: readonly string[]) => readonly string[];
  readonly #onMoved: () => void;
  /** sending -> sent [bodyEnd], sending -> stopped [stop] */
  #state: "sending" | "sent" | "stopped" = "sending";

  constructor(
    body: RequestBody,
    channel: ExchangeChannel<RequestParts>,
    chunkBytes: number,
    trailersOf: (rawTrailers: readonly string[]) => readonly string[],
    onMoved: () => void,
  ) {
    this.#body = body;
    this.#channel = channel;
    this.#chunkBytes = chunkBytes;
    this.#trailersOf = trailersOf;
    this.#onMoved = onMoved;
    body.start(this);
  }

  /** Whether the whole request has been sent. */
  get complete(): boolean {
    return this.#state === "sent";
  }

  /** Sends nothing more; what the client still sends is left where it is. */
  stop(): void {
    if (this.#state !== "sending") {
      return;
    }
    this.#state = "stopped";
    this.#body.stop();
  }

  bodyChunk(chunk: Buffer): void {
    let room: void | Promise<void> = undefined;
    for (let offset = 0; offset < chunk.length; offset += this.#chunkBytes) {
      room = this.#channel.send({ chunk: chunk.subarray(offset, offset + this.#chunkBytes) });
    }
    this.#onMoved();
    if (room === undefined) {
      return;
    }
    const body = this.#body;
    body.pause();
    const goOn = () => {
      if (this.#state === "sending") {
        body.resume();
      }
    };
    // A rejection says that the exchange is over; whoever ended it has stopped this sender.
    room.then(goOn, goOn);
  }

  bodyEnd(): void {
    this.#state = "sent";
    const fields = this.#trailersOf(this.#body.rawTrailers);
    const end: End = fields.length === 0 ? plainEnd : { trailers: fields };
    void this.#channel.send({ end });
  }
}
