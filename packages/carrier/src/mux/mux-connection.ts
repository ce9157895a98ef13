import {
  type BodyParts,
  type Frame,
  type FrameBatch,
  type FrameSink,
  ServeHTTPError,
} from "@servehttp/contract";
import { type IncomingFrame, type MuxFrameReader, muxTags } from "./mux-frame-reader.js";
import type { HeaderFields } from "../wire/header-fields.js";
import { writeReset } from "../wire/reset-codec.js";
import type { RpcListener, RpcStream } from "./rpc-stream.js";
import { atCallbackEnd, atTurnEnd, type Flushable } from "../schedule/turn-end.js";
import { WireWriter } from "../wire/wire-writer.js";

/** What an end of a mux RPC does with what its connection receives. */
export interface MuxEnd {
  /** @throws ServeHTTPError `protocol-violation` where the connection can't go on */
  receiveFrame(frame: IncomingFrame): void;
  /** Called at the host: the plugin takes no more exchanges. */
  receiveDraining?(): void;
  /** Called at the host: the head of the RPC's response. */
  receiveHead?(fields: HeaderFields): void;
  /** The other end sends nothing more. At the host, `trailers` hold the status of the RPC. */
  receiveEnd(trailers: HeaderFields): void;
  /** The RPC is over, for whatever reason. This is the last call. */
  closed(error: ServeHTTPError): void;
}

/**
 * With no more exchanges than this, waiting for others gains nothing: measured by the "get-1" case
 * of `apps/bench`.
 */
const promptExchangesMax = 2;

/**
 * Sends and receives the frames of one end of a `ServeHTTPMux` RPC. Everything that is ready at the
 * end of a turn of the event loop is sent as one message. While a message is being written, the
 * next one grows.
 */
export class MuxConnection<Parts extends BodyParts, Owner>
  implements Flushable, FrameSink<Parts>, RpcListener
{
  readonly #stream: RpcStream;
  readonly #batch: FrameBatch<Parts, Owner>;
  readonly #writeParts: (writer: WireWriter, parts: Parts) => void;
  readonly #end: MuxEnd;
  readonly #reader: MuxFrameReader;
  readonly #writer: WireWriter;
  /**
   *   idle    -> planned [plan]
   *   planned -> idle    [flush]
   *   idle    -> writing [#send]
   *   writing -> idle    [#onWritten: the message is written; the next one may follow at once]
   *   any     -> closed  [#close]
   */
  #state: "idle" | "planned" | "writing" | "closed" = "idle";
  #draining: "no" | "to-say" | "said" = "no";
  /** Whether nothing is sent yet. */
  #held: boolean;
  #ending = false;
  #failure: ServeHTTPError | undefined;
  /** Memory that nobody needs once the message is written. */
  readonly #freed: ArrayBuffer[] = [];
  readonly #onWritten = (): void => {
    if (this.#freed.length > 0) {
      this.#free();
    }
    if (this.#state === "writing") {
      this.#state = "idle";
      this.#write();
    }
  };

  /** @param held whether nothing is sent before `release`, or before something has come */
  constructor(
    stream: RpcStream,
    batch: FrameBatch<Parts, Owner>,
    writeParts: (writer: WireWriter, parts: Parts) => void,
    reader: MuxFrameReader,
    end: MuxEnd,
    held: boolean,
  ) {
    this.#held = held;
    this.#reader = reader;
    this.#stream = stream;
    this.#batch = batch;
    this.#writeParts = writeParts;
    this.#end = end;
    this.#writer = new WireWriter(stream.headroomBytes);
    stream.listen(this);
  }

  /** Whether something waits to be sent, so that what comes now goes out with it. */
  get gathers(): boolean {
    return this.#state === "planned" || this.#state === "writing";
  }

  /**
   * Plans to send what there is, at the end of this turn and together with what the other exchanges
   * have by then. With hardly any others, it is sent when this callback ends.
   */
  plan(exchangeCount: number): void {
    if (this.#state !== "idle") {
      return;
    }
    this.#state = "planned";
    if (exchangeCount <= promptExchangesMax) {
      atCallbackEnd(this);
    } else {
      atTurnEnd(this);
    }
  }

  flush(): void {
    if (this.#state === "planned") {
      this.#state = "idle";
      this.#write();
    }
  }

  /** Sends what was held. */
  release(): void {
    if (this.#held) {
      this.#held = false;
      this.plan(0);
    }
  }

  /** Sends an empty message, by which the plugin says hello. */
  hello(): void {
    this.#writer.beginMessage();
    this.#send(this.#writer.endMessage());
  }

  /** Tells the other end that no more exchanges are taken. */
  drain(): void {
    if (this.#draining === "no") {
      this.#draining = "to-say";
      this.plan(0);
    }
  }

  /** Ends what this end sends, after everything that waits. */
  end(): void {
    this.#ending = true;
    this.plan(0);
  }

  /** Gives the whole RPC up, because the other end broke the rules. */
  fail(error: ServeHTTPError): void {
    this.#failure ??= error;
    this.#close(error);
  }

  #write(): void {
    if (this.#held && !this.#ending) {
      return;
    }
    const writer = this.#writer;
    writer.beginMessage();
    if (!this.#batch.nextBatch(this) && this.#draining !== "to-say") {
      writer.dropMessage();
      if (this.#ending) {
        this.#stream.end();
      }
      return;
    }
    if (this.#draining === "to-say") {
      this.#draining = "said";
      writer.varint(muxTags.draining);
      writer.varint(1);
    }
    this.#send(writer.endMessage());
  }

  #send(segments: Buffer[]): void {
    this.#state = "writing";
    this.#stream.write(segments, this.#onWritten);
  }

  /**
   * Frees what has been written. Left to the collector, tens of megabytes would wait for it, so that
   * each read of a client would get memory that no cache holds. `bench -- --case up` shows it.
   */
  #free(): void {
    for (const memory of this.#freed) {
      memory.transfer(0);
    }
    this.#freed.length = 0;
  }

  /** For the batch that is being written. */
  takeFrame(frame: Frame<Parts>): void {
    const writer = this.#writer;
    writer.beginNested(muxTags.frames);
    writer.varint(muxTags.exchangeId);
    writer.varint(frame.exchangeId);
    if (frame.parts !== undefined) {
      writer.beginNested(muxTags.parts);
      this.#writeParts(writer, frame.parts);
      writer.endNested();
      if (frame.parts.freesChunk === true) {
        this.#freed.push(frame.parts.chunk?.buffer as ArrayBuffer);
      }
    }
    if (frame.creditBytes > 0) {
      writer.varint(muxTags.creditBytes);
      writer.varint(frame.creditBytes);
    }
    if (frame.reset !== undefined) {
      writeReset(writer, muxTags.reset, frame.reset);
    }
    writer.endNested();
  }

  receiveHead(fields: HeaderFields): void {
    this.#end.receiveHead?.(fields);
  }

  receiveEnd(trailers: HeaderFields): void {
    this.#end.receiveEnd(trailers);
  }

  receiveGoaway(): void {
    this.#end.receiveDraining?.();
  }

  closed(error: ServeHTTPError | undefined): void {
    this.#close(error ?? new ServeHTTPError("connection-lost", "the mux RPC has ended"));
  }

  receiveData(input: Buffer): void {
    if (this.#state === "closed") {
      return;
    }
    try {
      const reader = this.#reader;
      reader.push(input);
      for (let frame = reader.next(); frame !== undefined; frame = reader.next()) {
        this.#end.receiveFrame(frame);
      }
      if (reader.draining) {
        this.#end.receiveDraining?.();
      }
      if (this.#held) {
        this.release();
      }
    } catch (error) {
      this.fail(ServeHTTPError.from(error));
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
