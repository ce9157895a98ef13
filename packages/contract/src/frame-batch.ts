import { type Frame, FrameQueue, type FrameScheduler, type ReusedFrame } from "./frame-queue.js";
import { GrowthBudget } from "./flow-window.js";
import { muxBatchBytesMax, muxLoneBatchBytesMax, reasonBytesMax } from "./limits.js";
import type { PartRules } from "./part-rules.js";
import type { BodyParts } from "./parts.js";
import { ReusedList } from "./reused-list.js";

/** What `FrameBatch` tells its carrier. `Owner` is what the carrier opened the exchange with. */
export interface FrameBatchListener<Owner> {
  /**
   * There is something to send, and there was nothing before. Called within the method that queued
   * it, so plan a call of `nextBatch` and don't make it now.
   */
  onReady(): void;
  /**
   * The first frame of an exchange that was opened without an id is in a batch, and this is the id
   * that it got. Called at the end of `nextBatch`, before its message can be sent.
   */
  onOpened(owner: Owner, exchangeId: number): void;
  /** A sender that `enqueue` told to wait may go on. Called at the end of `nextBatch`. */
  onRoom(owner: Owner): void;
  /**
   * All parts of an exchange that was to finish are in a batch, and so is the reset behind them
   * where there is one. Called at the end of `nextBatch`.
   */
  onFinished(owner: Owner): void;
}

/** What the frames of a batch are written to. */
export interface FrameSink<Parts> {
  /** Takes the next frame. It must not throw. The object is used again for the frame after it. */
  takeFrame(frame: Frame<Parts>): void;
}

/** The exchange has frames without body bytes. */
const inControls = 1;

/** The exchange has frames with body bytes, and credit for them. */
const inBodies = 2;

/**
 * Decides what a mux connection sends next, out of what waits of all its exchanges. Both ends use
 * it, with the rules of their own direction. It does no I/O and knows no time: the carrier asks for
 * the next batch when it can send one.
 *
 * What holds for the batches, whatever is queued and when:
 *
 * - The order within an exchange is kept. Parts that wait are merged where one message can carry
 *   them.
 * - Credit, resets and parts without body bytes go before all body bytes, of whatever exchange.
 * - Body goes round robin: one frame of each exchange in turn, with at most `bodyChunkBytesMax` of
 *   body and within its credit. An exchange without credit is passed over.
 * - A batch holds at most `muxBatchBytesMax` of frames with body, heads included, or
 *   `muxLoneBatchBytesMax` where one exchange alone has any, or a single frame that is larger. It
 *   holds up to `muxBatchBytesMax` of the other frames, and one more. So an encoded message stays
 *   below `muxMessageBytesMax`.
 *
 * It is on the hot path. Benchmark: small GETs over mux in `apps/bench`.
 */
export class FrameBatch<Parts extends BodyParts, Owner> implements FrameScheduler<
  FrameQueue<Parts, Owner>
> {
  /** What may wait of bulk beyond what may wait of each exchange. */
  readonly budget = new GrowthBudget();
  readonly #rules: PartRules<Parts>;
  readonly #listener: FrameBatchListener<Owner>;
  readonly #controls = new ReusedList<FrameQueue<Parts, Owner>>();
  /**
   * A linked list by `next`, so that an exchange takes its turn without an array that grows and is
   * cut.
   */
  #firstBody: FrameQueue<Parts, Owner> | undefined = undefined;
  #lastBody: FrameQueue<Parts, Owner> | undefined = undefined;
  #lastExchangeId = 0;
  readonly #opened = new ReusedList<FrameQueue<Parts, Owner>>();
  readonly #withRoom = new ReusedList<FrameQueue<Parts, Owner>>();
  readonly #finished = new ReusedList<FrameQueue<Parts, Owner>>();
  readonly #frame: ReusedFrame<Parts> = {
    exchangeId: 0,
    parts: undefined,
    creditBytes: 0,
    reset: undefined,
  };

  /** `rules` are `requestPartRules` at the host and `responsePartRules` at the plugin. */
  constructor(rules: PartRules<Parts>, listener: FrameBatchListener<Owner>) {
    this.#rules = rules;
    this.#listener = listener;
  }

  /**
   * Opens an exchange. At the plugin, `exchangeId` is the one that the host has given it. At the
   * host it is 0, and the exchange gets the next higher id when its first frame is taken: frames
   * are not taken in the order in which exchanges were opened, since a head alone goes before one
   * with body. An exchange that is reset before that was never opened.
   *
   * Nothing here refers to an exchange that has nothing to send, so it needs no closing.
   */
  open(exchangeId: number, owner: Owner): FrameQueue<Parts, Owner> {
    return new FrameQueue(this, this.#rules, exchangeId, owner);
  }

  /**
   * Whether `nextBatch` is worth a call. It may still find nothing, where everything that waited
   * was dropped.
   */
  get hasFrames(): boolean {
    return this.#controls.size > 0 || this.#firstBody !== undefined;
  }

  /**
   * Gives the frames of the next message to `sink`, in order. Returns false where nothing can be
   * sent. The queues count them as sent. Then it calls `onOpened`, `onFinished` and `onRoom`, which
   * may queue more for the batch after this one.
   *
   * `onReady` is not called for what is left over: while `hasFrames` is true, call this again when
   * the message is written.
   */
  nextBatch(sink: FrameSink<Parts>): boolean {
    if (!this.hasFrames) {
      return false;
    }
    const anyControl = this.#takeControls(sink);
    const anyBody = this.#takeBodies(sink);
    const frame = this.#frame;
    frame.parts = undefined;
    frame.reset = undefined;
    this.#tell();
    return anyControl || anyBody;
  }

  /** For `FrameQueue`. */
  schedule(queue: FrameQueue<Parts, Owner>): void {
    const hadFrames = this.hasFrames;
    this.#list(queue);
    if (!hadFrames && this.hasFrames) {
      this.#listener.onReady();
    }
  }

  /** For `FrameQueue`. */
  noteOpened(queue: FrameQueue<Parts, Owner>): number {
    this.#opened.push(queue);
    this.#lastExchangeId += 1;
    return this.#lastExchangeId;
  }

  /** For `FrameQueue`. */
  noteFinished(queue: FrameQueue<Parts, Owner>): void {
    this.#finished.push(queue);
  }

  /** For `FrameQueue`. */
  noteRoom(queue: FrameQueue<Parts, Owner>): void {
    this.#withRoom.push(queue);
  }

  #list(queue: FrameQueue<Parts, Owner>): void {
    if ((queue.lists & inControls) === 0 && queue.hasControl) {
      queue.lists |= inControls;
      this.#controls.push(queue);
    }
    if ((queue.lists & inBodies) === 0 && queue.hasBody) {
      queue.lists |= inBodies;
      if (this.#lastBody === undefined) {
        this.#firstBody = queue;
      } else {
        this.#lastBody.next = queue;
      }
      this.#lastBody = queue;
    }
  }

  #takeControls(sink: FrameSink<Parts>): boolean {
    const controls = this.#controls;
    const frame = this.#frame;
    let bytes = 0;
    let doneCount = 0;
    while (doneCount < controls.size && bytes < muxBatchBytesMax) {
      const queue = controls.at(doneCount);
      if (queue.hasControl) {
        queue.takeControl(frame);
        bytes += this.#frameBytes(frame);
        sink.takeFrame(frame);
      } else {
        doneCount += 1;
        queue.lists &= ~inControls;
        this.#list(queue);
      }
    }
    controls.removeFirst(doneCount);
    return bytes > 0;
  }

  #takeBodies(sink: FrameSink<Parts>): boolean {
    let bytes = 0;
    let queue = this.#firstBody;
    const bytesMax = queue === this.#lastBody ? muxLoneBatchBytesMax : muxBatchBytesMax;
    while (queue !== undefined) {
      const frameBytes = queue.bodyFrameBytes;
      if (bytes > 0 && bytes + frameBytes > bytesMax) {
        return true;
      }
      this.#firstBody = queue.next;
      if (queue.next === undefined) {
        this.#lastBody = undefined;
      }
      queue.next = undefined;
      queue.lists &= ~inBodies;
      // An exchange that was reset meanwhile has nothing any more.
      if (frameBytes > 0) {
        queue.takeBody(this.#frame);
        sink.takeFrame(this.#frame);
        bytes += frameBytes;
        this.#list(queue);
      }
      queue = this.#firstBody;
    }
    return bytes > 0;
  }

  #frameBytes(frame: Frame<Parts>): number {
    let bytes = frame.parts === undefined ? bareFrameBytes : this.#rules.headBytes(frame.parts);
    if (frame.reset !== undefined) {
      // A UTF-16 unit is at most three bytes of UTF-8.
      bytes += Math.min(3 * frame.reset.message.length, reasonBytesMax);
    }
    return bytes;
  }

  #tell(): void {
    const opened = this.#opened;
    for (let place = 0; place < opened.size; place += 1) {
      const { exchangeId, owner } = opened.at(place);
      this.#listener.onOpened(owner, exchangeId);
    }
    opened.clear();
    const finished = this.#finished;
    for (let place = 0; place < finished.size; place += 1) {
      this.#listener.onFinished(finished.at(place).owner);
    }
    finished.clear();
    const withRoom = this.#withRoom;
    for (let place = 0; place < withRoom.size; place += 1) {
      const queue = withRoom.at(place);
      if (queue.takeRoom()) {
        this.#listener.onRoom(queue.owner);
      }
    }
    withRoom.clear();
  }
}

/**
 * The size of a frame without parts: its id, its credit, the code of its reset, and their tags and
 * lengths.
 */
const bareFrameBytes = 32;
