import type { Http2Stream } from "node:http2";
import {
  type ErrorCode,
  type Frame,
  type FrameBatch,
  muxMessageBytesMax,
  ServeHTTPError,
} from "@servehttp/contract";
import { GrpcMessageReader } from "./grpc-message-reader.js";
import { readReset, writeReset } from "./reset-codec.js";
import { atTurnEnd, type Flushable } from "./turn-end.js";
import { WireReader } from "./wire-reader.js";
import { WireWriter } from "./wire-writer.js";

/** What one frame of the other side's says. */
export interface IncomingFrame {
  readonly exchangeId: number;
  /** Where its parts lie in the message, to be read by who knows the direction. */
  readonly parts: WireReader | undefined;
  readonly creditBytes: number;
  readonly reset: ServeHTTPError | undefined;
}

/** What one end of a mux RPC does with what comes in. */
export interface MuxEnd {
  /** What a reset without a code means at this end. */
  readonly unspecifiedReset: ErrorCode;
  /** Throws a ServeHTTPError `protocol-violation` where the connection can't go on. */
  receiveFrame(frame: IncomingFrame): void;
  /** The other side opens no more exchanges, or takes no more. */
  receiveDraining(): void;
  /** The RPC is over, for whatever reason; the last call. */
  closed(error: ServeHTTPError): void;
}

/** The tags of `ServeHTTPMuxRequest`, `ServeHTTPMuxResponse` and of their frames, which are the same. */
const tags = {
  frames: 0x0a,
  draining: 0x10,
  exchangeId: 0x08,
  parts: 0x12,
  creditBytes: 0x18,
  reset: 0x22,
} as const;

/**
 * One end of a `ServeHTTPMux` RPC as a pipe of frames. Everything that is ready at the end of a turn of the event loop goes
 * out as one message; while a message is being written the next one grows.
 */
export class MuxPipe<Parts extends object, Owner> implements Flushable {
  readonly #stream: Http2Stream;
  readonly #batch: FrameBatch<Parts, Owner>;
  readonly #writeParts: (writer: WireWriter, parts: Parts) => void;
  readonly #end: MuxEnd;
  readonly #reader = new GrpcMessageReader(muxMessageBytesMax);
  readonly #writer = new WireWriter();
  /** idle -> planned [plan] -> writing [flush] -> idle, or writing again [#onWritten]; any -> closed [#close] */
  #state: "idle" | "planned" | "writing" | "closed" = "idle";
  #draining: "no" | "to-say" | "said" = "no";
  #ending = false;
  #failure: ServeHTTPError | undefined;
  readonly #onWritten = (): void => {
    if (this.#state === "writing") {
      this.#state = "idle";
      this.#write();
    }
  };

  constructor(
    stream: Http2Stream,
    batch: FrameBatch<Parts, Owner>,
    writeParts: (writer: WireWriter, parts: Parts) => void,
    end: MuxEnd,
  ) {
    this.#stream = stream;
    this.#batch = batch;
    this.#writeParts = writeParts;
    this.#end = end;
    stream.on("data", (input: Buffer) => this.#onData(input));
    stream.on("error", (error) => {
      this.#failure ??= new ServeHTTPError("connection-lost", error.message, { cause: error });
    });
    stream.on("close", () =>
      this.#close(new ServeHTTPError("connection-lost", "the mux RPC was cut off")),
    );
  }

  /** There is something to send: it goes at the end of this turn. */
  plan(): void {
    if (this.#state === "idle") {
      this.#state = "planned";
      atTurnEnd(this);
    }
  }

  flush(): void {
    if (this.#state === "planned") {
      this.#state = "idle";
      this.#write();
    }
  }

  /** Sends an empty message, the plugin's hello. */
  hello(): void {
    this.#writer.beginMessage();
    this.#send(this.#writer.endMessage());
  }

  /** Says that no more exchanges are taken. */
  drain(): void {
    if (this.#draining === "no") {
      this.#draining = "to-say";
      this.plan();
    }
  }

  /** Ends this end's way, behind everything that waits to be sent. */
  end(): void {
    this.#ending = true;
    this.plan();
  }

  /** Gives the whole RPC up, because of a violation. */
  fail(error: ServeHTTPError): void {
    this.#failure ??= error;
    this.#close(error);
  }

  #write(): void {
    const frames = this.#batch.nextBatch();
    if (frames === undefined && this.#draining !== "to-say") {
      if (this.#ending) {
        this.#stream.end();
      }
      return;
    }
    const writer = this.#writer;
    writer.beginMessage();
    if (frames !== undefined) {
      for (const frame of frames) {
        this.#writeFrame(frame);
      }
    }
    if (this.#draining === "to-say") {
      this.#draining = "said";
      writer.varint(tags.draining);
      writer.varint(1);
    }
    this.#send(writer.endMessage());
  }

  #send(segments: Buffer[]): void {
    this.#state = "writing";
    const stream = this.#stream;
    const last = segments.length - 1;
    if (last === 0) {
      stream.write(segments[0], this.#onWritten);
      return;
    }
    stream.cork();
    for (let index = 0; index < last; index += 1) {
      stream.write(segments[index]);
    }
    stream.write(segments[last], this.#onWritten);
    stream.uncork();
  }

  #writeFrame(frame: Frame<Parts>): void {
    const writer = this.#writer;
    writer.beginNested(tags.frames);
    writer.varint(tags.exchangeId);
    writer.varint(frame.exchangeId);
    if (frame.parts !== undefined) {
      writer.beginNested(tags.parts);
      this.#writeParts(writer, frame.parts);
      writer.endNested();
    }
    if (frame.creditBytes > 0) {
      writer.varint(tags.creditBytes);
      writer.varint(frame.creditBytes);
    }
    if (frame.reset !== undefined) {
      writeReset(writer, tags.reset, frame.reset);
    }
    writer.endNested();
  }

  #onData(input: Buffer): void {
    if (this.#state === "closed") {
      return;
    }
    try {
      this.#reader.push(input);
      for (;;) {
        const message = this.#reader.next();
        if (message === undefined) {
          return;
        }
        this.#readMessage(new WireReader(message));
      }
    } catch (error) {
      this.fail(ServeHTTPError.from(error));
    }
  }

  #readMessage(reader: WireReader): void {
    while (!reader.done) {
      const tag = reader.varint();
      if (tag === tags.frames) {
        this.#end.receiveFrame(readFrame(reader.nested(), this.#end.unspecifiedReset));
      } else if (tag === tags.draining) {
        if (reader.varint() !== 0) {
          this.#end.receiveDraining();
        }
      } else {
        reader.skip(tag);
      }
    }
  }

  #close(error: ServeHTTPError): void {
    if (this.#state === "closed") {
      return;
    }
    this.#state = "closed";
    this.#end.closed(this.#failure ?? error);
  }
}

function readFrame(reader: WireReader, unspecifiedReset: ErrorCode): IncomingFrame {
  let exchangeId = 0;
  let parts: WireReader | undefined;
  let creditBytes = 0;
  let reset: ServeHTTPError | undefined;
  while (!reader.done) {
    const tag = reader.varint();
    switch (tag) {
      case tags.exchangeId:
        exchangeId = reader.varint();
        break;
      case tags.parts:
        parts = reader.nested();
        break;
      case tags.creditBytes:
        creditBytes = reader.varint();
        break;
      case tags.reset:
        reset = readReset(reader.nested(), unspecifiedReset);
        break;
      default:
        reader.skip(tag);
    }
  }
  if (exchangeId < 1 || exchangeId > Number.MAX_SAFE_INTEGER) {
    throw new ServeHTTPError("protocol-violation", `a frame of exchange ${exchangeId}`);
  }
  return { exchangeId, parts, creditBytes, reset };
}
