import { type End, type ExchangeChannel, plainEnd, type RequestParts } from "@servehttp/contract";
import type { BodySink, RequestBody } from "../client/request-body.js";

/** What a sender tells. */
export interface SenderListener {
  /** Something has gone to the plugin. */
  moved(): void;
  /** What follows has to wait, because the carrier has no room. */
  stalled(): void;
}

/**
 * Sends the body of a client's request to a plugin, as it comes and as the carrier has room, and
 * its end when the body is whole. A body that is cut off gets no end.
 */
export class RequestSender implements BodySink {
  readonly #body: RequestBody;
  #channel: ExchangeChannel<RequestParts>;
  readonly #chunkBytes: number;
  readonly #trailersOf: (rawTrailers: readonly string[]) => readonly string[];
  readonly #on: SenderListener;
  /** How many of the body have been sent. */
  bytes = 0;
  /** Whether the plugin has given no more credit. */
  pluginIsSlow = false;
  /**
   *   sending       -> held    [hold]       held -> sending [goOn]
   *   sending       -> sent    [bodyEnd]
   *   sending, held -> stopped [stop]
   */
  #state: "sending" | "held" | "sent" | "stopped" = "sending";

  constructor(
    body: RequestBody,
    channel: ExchangeChannel<RequestParts>,
    chunkBytes: number,
    trailersOf: (rawTrailers: readonly string[]) => readonly string[],
    on: SenderListener,
  ) {
    this.#body = body;
    this.#channel = channel;
    this.#chunkBytes = chunkBytes;
    this.#trailersOf = trailersOf;
    this.#on = on;
    body.start(this);
  }

  /** Whether the whole request has been sent. */
  get complete(): boolean {
    return this.#state === "sent";
  }

  /** Reads nothing more until `goOn`. */
  hold(): void {
    if (this.#state === "sending") {
      this.#state = "held";
      this.#body.pause();
    }
  }

  /** Sends what follows on another channel, once that has room. */
  goOn(channel: ExchangeChannel<RequestParts>, room: void | Promise<void>): void {
    this.#channel = channel;
    if (this.#state !== "held") {
      return;
    }
    this.#state = "sending";
    if (room === undefined) {
      this.pluginIsSlow = false;
      this.#body.resume();
    } else {
      this.#awaitRoom(room);
    }
  }

  /** Sends nothing more, and stops reading. */
  stop(): void {
    if (this.#state === "sending" || this.#state === "held") {
      this.#state = "stopped";
      this.#body.stop();
    }
  }

  bodyChunk(chunk: Buffer, frees = false): void {
    let room: void | Promise<void> = undefined;
    this.bytes += chunk.length;
    for (let offset = 0; offset < chunk.length; offset += this.#chunkBytes) {
      const end = offset + this.#chunkBytes;
      const parts: RequestParts = { chunk: chunk.subarray(offset, end) };
      if (frees && end >= chunk.length) {
        parts.freesChunk = true;
      }
      room = this.#channel.send(parts);
    }
    this.#on.moved();
    if (room !== undefined) {
      this.#on.stalled();
      this.#body.pause();
      this.#awaitRoom(room);
    }
  }

  #awaitRoom(room: Promise<void>): void {
    const body = this.#body;
    const channel = this.#channel;
    this.pluginIsSlow = true;
    const goOn = () => {
      // Another channel has room of its own.
      if (this.#channel === channel) {
        this.pluginIsSlow = false;
        if (this.#state === "sending") {
          body.resume();
        }
      }
    };
    // A rejection says that the exchange on this channel is over: then this sender has been stopped,
    // or is held until it is given another channel.
    room.then(goOn, goOn);
  }

  bodyEnd(): void {
    this.#state = "sent";
    const fields = this.#trailersOf(this.#body.rawTrailers);
    const end: End = fields.length === 0 ? plainEnd : { trailers: fields };
    void this.#channel.send({ end });
  }
}
