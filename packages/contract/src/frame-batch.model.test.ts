import * as fc from "fast-check";
import { expect, test } from "vitest";
import { randomRuns } from "@servehttp/testkit";
import { ReceiveWindow } from "./flow-window.js";
import { FrameBatch } from "./frame-batch.js";
import type { Frame, FrameQueue } from "./frame-queue.js";
import {
  bodyChunkBytesMax,
  informationalCountMax,
  muxBatchBytesMax,
  muxLoneBatchBytesMax,
  muxWaitingBytesMax,
  muxWindowBytes,
} from "./limits.js";
import {
  advanceRequest,
  advanceResponse,
  initialRequestOrder,
  initialResponseOrder,
  isHijacked,
  isRequestOver,
  isResponseOver,
  type RequestOrder,
  type ResponseOrder,
} from "./part-order.js";
import { type PartRules, requestPartRules, responsePartRules } from "./part-rules.js";
import {
  plainEnd,
  type RequestInit,
  type RequestParts,
  type ResponseInit,
  type ResponseParts,
} from "./parts.js";
import { ServeHTTPError } from "./servehttp-error.js";
import { framesOf } from "./test-rig/frames-of.js";

/*
 * Two ends of a mux connection, each with its batches and windows, and a wire between them that
 * delivers messages in order, late, or not at all. A random programme opens exchanges, queues
 * parts, makes batches, delivers them, consumes bytes and gives up. At each step, and when
 * everything that still can has run to its end, this holds:
 *
 * - Nothing is lost, duplicated, reordered or copied: what goes out is, part for part and byte for
 *   byte, what was queued, and what comes in is what went out.
 * - No window and no bound of a batch is exceeded, and ids rise.
 * - Nobody starves: what can go without body goes with the next batch; and while an exchange's body
 *   could go, no other gets two turns, nor does a batch end early.
 * - Nothing is stuck: whenever something can go, the batches have said so.
 *
 * `SERVEHTTP_FULL=50 npx vitest run packages/contract/src/frame-batch.model.test.ts` tries a
 * million programmes.
 */
const parameters = randomRuns(20_000);

test(
  "any interleaving loses, duplicates, reorders and starves nothing, and comes to its end",
  { timeout: 30_000 + 10 * parameters.numRuns },
  () => {
    const reached: Reached = {
      completed: 0,
      givenUp: 0,
      notNeeded: 0,
      cut: 0,
      late: 0,
      split: 0,
      waited: 0,
      tunnelled: 0,
      outOfCredit: 0,
      leftOver: 0,
    };
    const programmes = fc.array(fc.nat(0x3fff_ffff), { maxLength: 150, size: "max" });
    fc.assert(
      fc.property(programmes, (programme) => new Connection(reached).run(programme)),
      parameters,
    );
    // The programmes come to what they are meant to try.
    const seldom = Object.entries(reached).filter(([, count]) => count < parameters.numRuns / 100);
    expect(seldom).toEqual([]);
  },
);

type Reached = Record<
  | "completed"
  | "givenUp"
  | "notNeeded"
  | "cut"
  | "late"
  | "split"
  | "waited"
  | "tunnelled"
  | "outOfCredit"
  | "leftOver",
  number
>;

/** Parts of either direction, so that one code plays both ends. */
type AnyParts = Omit<RequestParts & ResponseParts, "init"> & { init?: RequestInit | ResponseInit };

const host = 0;
const plugin = 1;
type Side = typeof host | typeof plugin;

function check(condition: boolean, what: string): asserts condition {
  if (!condition) {
    throw new Error(`does not hold: ${what}`);
  }
}

const exchangeCountMax = 6;
const stretchBytes = 1 << 24;

/**
 * Chunks are views of this. Each direction of each exchange has a stretch of it, and a chunk begins
 * where the last one ended. So the place of a byte says which one it is, and that nobody copied it.
 * Nobody reads or writes it.
 */
const ocean = new Uint8Array(2 * exchangeCountMax * stretchBytes);

const partNames = [
  "informational",
  "init",
  "hijack",
  "chunk",
  "flush",
  "end",
  "tunnelChunk",
  "tunnelEnd",
  "extendHeadMs",
] as const;

/** One part: its name, and for bytes their place. */
interface Unit {
  readonly name: string;
  begin: number;
  readonly end: number;
}

function unitsOf(parts: AnyParts | undefined): Unit[] {
  const units: Unit[] = [];
  for (const name of partNames) {
    const part = parts?.[name];
    if (part instanceof Uint8Array) {
      check(part.buffer === ocean.buffer, "bytes are not copied");
      units.push({ name, begin: part.byteOffset, end: part.byteOffset + part.length });
    } else if (part !== undefined) {
      units.push({ name, begin: 0, end: 0 });
    }
  }
  return units;
}

function bytesOf(units: readonly Unit[]): number {
  let bytes = 0;
  for (const { begin, end } of units) {
    bytes += end - begin;
  }
  return bytes;
}

/** What goes in at one place and must come out at another. */
class Tape {
  readonly units: Unit[] = [];
  readonly #flushes: "exact" | "merged";
  #last = "";

  constructor(flushes: "exact" | "merged") {
    this.#flushes = flushes;
  }

  put(units: readonly Unit[]): void {
    for (const unit of units) {
      this.units.push({ ...unit });
    }
  }

  /** Checks what came out against what went in. Says whether a chunk came out in part. */
  take(units: readonly Unit[]): "whole" | "split" {
    for (const { name, begin, end } of units) {
      if (name !== "flush") {
        this.#skipFlushes();
      }
      const expected = this.units[0];
      check(expected !== undefined, `${name} went in`);
      check(expected.name === name && expected.begin === begin, `${name} is next`);
      check(end <= expected.end, "a chunk has bytes of one chunk");
      this.#last = name;
      if (end !== expected.end) {
        expected.begin = end;
        return "split";
      }
      this.units.shift();
    }
    this.#skipFlushes();
    return "whole";
  }

  clear(): void {
    this.units.length = 0;
  }

  /** A flush behind a flush says nothing: those that wait together are merged. */
  #skipFlushes(): void {
    while (
      this.#flushes === "merged" &&
      this.#last === "flush" &&
      this.units[0]?.name === "flush"
    ) {
      this.units.shift();
    }
  }
}

/** What is true of an exchange, from wherever it is looked at. */
interface Story {
  request: RequestOrder;
  response: ResponseOrder;
  /** As far as the other side has received it. */
  requestSeen: RequestOrder;
  responseSeen: ResponseOrder;
  /** On the wire, by the side that sent it. */
  readonly flying: readonly [Tape, Tape];
  outcome: "complete" | "not-needed" | "given-up";
}

type Queue = FrameQueue<AnyParts, ExchangeSide>;

/** One side of an exchange. */
class ExchangeSide {
  readonly story: Story;
  readonly queue: Queue;
  readonly receiveWindow = new ReceiveWindow();
  /** Queued, and in no batch yet. */
  readonly waiting = new Tape("merged");
  /** What it may send, by an account of the test's own. */
  openBytes = muxWindowBytes;
  /** Credit for the other side, in no batch yet. */
  owedBytes = 0;
  sender: "goes-on" | "waits" = "goes-on";
  reset: "none" | "due" | "due-behind" | "gone" = "none";
  /** Whether its carrier still knows it. */
  carrier: "knows" | "forgot" = "knows";
  /** Whose body went since this one's could have. */
  readonly overtakenBy = new Set<ExchangeSide>();
  #nextOctet: number;
  readonly #octetsEnd: number;

  constructor(story: Story, stretch: number, open: (side: ExchangeSide) => Queue) {
    this.story = story;
    this.#nextOctet = stretch * stretchBytes;
    this.#octetsEnd = this.#nextOctet + stretchBytes;
    this.queue = open(this);
  }

  /** The next bytes of its stretch. */
  octets(bytes: number): Uint8Array {
    const begin = this.#nextOctet;
    this.#nextOctet += bytes;
    check(this.#nextOctet <= this.#octetsEnd, "the test's stretches are long enough");
    return ocean.subarray(begin, this.#nextOctet);
  }

  /** Whether body comes next, and has credit. */
  get isBodyDue(): boolean {
    const next = this.waiting.units[0];
    return next !== undefined && next.end > next.begin && this.openBytes > 0;
  }

  /** Whether something waits, and none of it is body: nothing can hold it up. */
  get isControlDue(): boolean {
    const { units } = this.waiting;
    return units.length > 0 && bytesOf(units) === 0;
  }

  get isAnythingDue(): boolean {
    return this.isBodyDue || this.isControlDue || this.owedBytes > 0 || this.reset === "due";
  }

  giveUp(reset: "due" | "gone"): void {
    this.reset = reset;
    this.carrier = "forgot";
    this.sender = "goes-on";
    this.owedBytes = 0;
    this.waiting.clear();
    this.overtakenBy.clear();
  }
}

/** One end of the connection. */
interface End {
  readonly batch: FrameBatch<AnyParts, ExchangeSide>;
  /** All exchanges that there ever were, those of the plugin's end in the order of their ids. */
  readonly exchanges: ExchangeSide[];
  /** To the other end. */
  readonly wire: Frame<AnyParts>[][];
  /** Whether the carrier means to ask for a batch. It never asks without. */
  plan: "none" | "batch";
}

class Connection {
  readonly #reached: Reached;
  readonly #ends: readonly [End, End];
  /** Of those that the host has opened, by id - 1. */
  readonly #opened: ExchangeSide[] = [];

  constructor(reached: Reached) {
    this.#reached = reached;
    this.#ends = [this.#makeEnd(host), this.#makeEnd(plugin)];
  }

  run(programme: readonly number[]): void {
    for (const step of programme) {
      const side = (step & 1) as Side;
      const kind = (step >> 1) & 31;
      const choice = step >> 6;
      if (kind < 3) {
        this.#openExchange(choice);
      } else if (kind < 17) {
        this.#sendSome(side, choice);
      } else if (kind < 22) {
        this.#makeBatch(side);
      } else if (kind < 26) {
        this.#deliver(side);
      } else if (kind < 29) {
        this.#consumeSome(side, choice);
      } else if (kind < 30) {
        this.#giveUpSome(side, choice);
      } else if (kind < 31) {
        this.#needNoMore(choice);
      } else if ((choice & 15) === 0) {
        this.#cut();
        return;
      }
    }
    this.#runToTheEnd();
  }

  #makeEnd(side: Side): End {
    const rules = (side === host
      ? requestPartRules
      : responsePartRules) as unknown as PartRules<AnyParts>;
    const end: End = {
      exchanges: [],
      wire: [],
      plan: "none",
      batch: new FrameBatch<AnyParts, ExchangeSide>(rules, {
        onReady: () => {
          check(end.plan === "none", "that frames are ready is said once");
          end.plan = "batch";
        },
        onOpened: (exchange, exchangeId) => {
          this.#opened.push(exchange);
          check(exchangeId === this.#opened.length, "ids rise");
        },
        onRoom: (exchange) => {
          check(exchange.sender === "waits", "only who waits is told to go on");
          const isHalfGone = 2 * exchange.queue.waitingBytes <= muxWaitingBytesMax;
          check(isHalfGone, "who waits is told to go on when half has gone");
          exchange.sender = "goes-on";
        },
        onFinished: (exchange) => {
          check(exchange.carrier === "knows", "who was forgotten does not finish");
          exchange.carrier = "forgot";
        },
      }),
    };
    return end;
  }

  #openExchange(choice: number): void {
    const { batch, exchanges } = this.#ends[host];
    if (exchanges.length === exchangeCountMax) {
      return;
    }
    const story: Story = {
      request: initialRequestOrder,
      response: initialResponseOrder,
      requestSeen: initialRequestOrder,
      responseSeen: initialResponseOrder,
      flying: [new Tape("exact"), new Tape("exact")],
      outcome: "complete",
    };
    const stretch = 2 * exchanges.length;
    const exchange = new ExchangeSide(story, stretch, (owner) => batch.open(0, owner));
    exchanges.push(exchange);
    const chunk = (choice & 4) === 0 ? { chunk: exchange.octets(sizeBy(choice >> 3)) } : undefined;
    const end = (choice & 3) === 0 ? { end: plainEnd } : undefined;
    this.#send(host, exchange, { init: requestInit, ...chunk, ...end });
  }

  #sendSome(side: Side, choice: number): void {
    const exchange = pick(this.#ends[side].exchanges, choice, (each) => each.carrier === "knows");
    if (exchange === undefined) {
      return;
    }
    const count = 1 + ((choice >> 4) & 3);
    for (let index = 0; index < count; index += 1) {
      const parts = nextParts(side, exchange, (choice >> 6) + 37 * index);
      // One sender in eight does not wait when it is told to.
      const goesOn = exchange.sender === "goes-on" || (choice & 0x1c00) === 0;
      if (parts === undefined || exchange.reset !== "none" || !goesOn) {
        return;
      }
      this.#send(side, exchange, parts);
    }
  }

  #send(side: Side, exchange: ExchangeSide, parts: AnyParts): void {
    const { story, queue, waiting } = exchange;
    if (side === host) {
      const isTunnel = isHijacked(story.responseSeen);
      story.request = advanceRequest(story.request, parts as RequestParts, isTunnel);
    } else {
      story.response = advanceResponse(story.response, parts as ResponseParts);
    }
    waiting.put(unitsOf(parts));
    const hasRoom = queue.enqueue(parts);
    check(hasRoom === queue.waitingBytes < muxWaitingBytesMax, "room is below the limit");
    if (!hasRoom) {
      exchange.sender = "waits";
      this.#reached.waited += 1;
    }
    this.#finishIfOver(side, exchange);
  }

  #finishIfOver(side: Side, exchange: ExchangeSide): void {
    if (isOver(side, exchange.story) && exchange.reset === "none" && exchange.queue.finish()) {
      exchange.carrier = "forgot";
    }
  }

  #makeBatch(side: Side): void {
    const end = this.#ends[side];
    if (end.plan === "none") {
      check(!end.exchanges.some((each) => each.isAnythingDue), "what can go has been announced");
      return;
    }
    end.plan = "none";
    const controls = end.exchanges.filter((each) => each.isControlDue);
    const withBody = end.exchanges.filter((each) => each.isBodyDue);
    const bodyBytesMax = withBody.length === 1 ? muxLoneBatchBytesMax : muxBatchBytesMax;
    const frames = framesOf(end.batch);
    let bodyBytes = 0;
    for (const frame of frames ?? []) {
      bodyBytes += this.#checkFrame(side, frame, bodyBytes);
    }
    check(bodyBytes <= bodyBytesMax, "the body of a batch is bounded");
    for (const exchange of controls) {
      check(exchange.waiting.units.length === 0, "what is no body goes with the next batch");
    }
    for (const exchange of end.exchanges) {
      checkLeft(exchange);
    }
    if (end.exchanges.some((each) => each.isBodyDue)) {
      const spareBytes = muxBatchBytesMax - bodyBytes;
      check(spareBytes < bodyChunkBytesMax + headRoomBytes, "a batch does not end early");
      this.#reached.leftOver += 1;
    }
    if (end.batch.hasFrames) {
      end.plan = "batch";
    }
    if (frames !== undefined) {
      end.wire.push(frames);
    }
  }

  /** Returns the bytes of body in the frame. */
  #checkFrame(side: Side, frame: Frame<AnyParts>, bodyBytesBefore: number): number {
    const { exchanges } = this.#ends[side];
    const exchange = exchanges.find(({ queue }) => queue.exchangeId === frame.exchangeId);
    check(exchange !== undefined, "a frame is an exchange's");
    check(exchange.reset !== "gone", "nothing goes behind a reset");
    check(exchange.reset !== "due" || frame.reset !== undefined, "a reset drops what waited");
    const units = unitsOf(frame.parts);
    const bytes = bytesOf(units);
    check(bytes > 0 || bodyBytesBefore === 0, "what is no body goes first");
    if (exchange.waiting.take(units) === "split") {
      this.#reached.split += 1;
    }
    exchange.story.flying[side].put(units);
    if (bytes > 0) {
      check(bytes <= bodyChunkBytesMax, "the body of a frame is bounded");
      check(bytes <= exchange.openBytes, "the credit is kept to");
      exchange.openBytes -= bytes;
      this.#checkTurn(exchanges, exchange);
    }
    check(frame.creditBytes === exchange.owedBytes, "credit is given once");
    exchange.owedBytes = 0;
    if (frame.reset !== undefined) {
      check(exchange.reset !== "none", "who gave up resets");
      check(exchange.waiting.units.length === 0, "a reset is the last frame");
      exchange.reset = "gone";
    }
    if (exchange.openBytes === 0 && exchange.waiting.units.length > 0) {
      this.#reached.outOfCredit += 1;
    }
    return bytes;
  }

  #checkTurn(exchanges: readonly ExchangeSide[], served: ExchangeSide): void {
    for (const other of exchanges) {
      if (other !== served && other.isBodyDue) {
        check(!other.overtakenBy.has(served), "nobody has two turns while another waits");
        other.overtakenBy.add(served);
      }
    }
    served.overtakenBy.clear();
  }

  #deliver(from: Side): void {
    for (const frame of this.#ends[from].wire.shift() ?? []) {
      const at = from === host ? plugin : host;
      const exchange = this.#receiverOf(at, frame);
      if (exchange.carrier === "forgot") {
        const isHarmless = frame.parts === undefined || exchange.story.outcome !== "complete";
        check(isHarmless, "of a complete exchange only credit comes late");
        this.#reached.late += 1;
      } else {
        this.#receive(at, exchange, frame);
      }
    }
  }

  #receiverOf(at: Side, frame: Frame<AnyParts>): ExchangeSide {
    const { exchangeId, parts } = frame;
    const opener = this.#opened[exchangeId - 1];
    check(opener !== undefined, "the host opened it");
    if (at === host) {
      return opener;
    }
    const { batch, exchanges } = this.#ends[plugin];
    if (exchangeId > exchanges.length) {
      check(exchangeId === exchanges.length + 1, "ids come in their order");
      check(parts?.init !== undefined, "the first frame has the head");
      const stretch = 2 * this.#ends[host].exchanges.indexOf(opener) + 1;
      const open = (owner: ExchangeSide) => batch.open(exchangeId, owner);
      exchanges.push(new ExchangeSide(opener.story, stretch, open));
    }
    return exchanges[exchangeId - 1] as ExchangeSide;
  }

  #receive(at: Side, exchange: ExchangeSide, frame: Frame<AnyParts>): void {
    const { story, queue, receiveWindow } = exchange;
    const { parts, creditBytes, reset } = frame;
    if (parts !== undefined) {
      const units = unitsOf(parts);
      story.flying[at === host ? plugin : host].take(units);
      receiveWindow.receive(bytesOf(units));
      if (at === host) {
        story.responseSeen = advanceResponse(story.responseSeen, parts as ResponseParts);
      } else {
        const isTunnel = isHijacked(story.response);
        story.requestSeen = advanceRequest(story.requestSeen, parts as RequestParts, isTunnel);
      }
    }
    if (creditBytes > 0) {
      queue.grant(creditBytes);
      exchange.openBytes += creditBytes;
    }
    if (reset === undefined) {
      this.#finishIfOver(at, exchange);
    } else {
      queue.forget();
      exchange.giveUp("gone");
    }
  }

  #consumeSome(at: Side, choice: number): void {
    const exchange = pick(
      this.#ends[at].exchanges,
      choice,
      ({ carrier, receiveWindow }) => carrier === "knows" && receiveWindow.heldBytes > 0,
    );
    if (exchange !== undefined) {
      const { heldBytes } = exchange.receiveWindow;
      this.#consume(exchange, (choice & 0x30) === 0 ? 1 + ((choice >> 6) % heldBytes) : heldBytes);
    }
  }

  #consume(exchange: ExchangeSide, bytes: number): void {
    const creditBytes = exchange.receiveWindow.consume(bytes);
    exchange.queue.giveCredit(creditBytes);
    exchange.owedBytes += creditBytes;
  }

  #giveUpSome(side: Side, choice: number): void {
    const exchange = pick(this.#ends[side].exchanges, choice, (each) => each.carrier === "knows");
    if (exchange !== undefined) {
      exchange.queue.reset(side === host ? clientDisconnected : handlerFailed);
      exchange.giveUp(exchange.queue.exchangeId === 0 ? "gone" : "due");
      exchange.story.outcome = "given-up";
    }
  }

  /** A plugin that has answered in full takes no more of the request. */
  #needNoMore(choice: number): void {
    const exchange = pick(
      this.#ends[plugin].exchanges,
      choice,
      ({ carrier, reset, story }) =>
        carrier === "knows" && reset === "none" && isResponseOver(story.response),
    );
    if (exchange !== undefined && !isOver(plugin, exchange.story)) {
      exchange.queue.resetBehind(notNeeded);
      exchange.reset = "due-behind";
      if (exchange.story.outcome === "complete") {
        exchange.story.outcome = "not-needed";
      }
    }
  }

  #cut(): void {
    for (const { batch, exchanges } of this.#ends) {
      for (const { queue } of exchanges) {
        queue.forget();
        check(queue.waitingBytes === 0, "what is forgotten holds nothing");
      }
      check(framesOf(batch) === undefined && !batch.hasFrames, "nothing goes after a cut");
    }
    this.#reached.cut += 1;
  }

  /** Everybody ends what is open, batches go and come, bytes are consumed, until all is still. */
  #runToTheEnd(): void {
    for (let round = 0; !this.#isStill(); round += 1) {
      check(round < roundCountMax, "all comes to its end");
      for (const side of [host, plugin] as const) {
        for (const exchange of this.#ends[side].exchanges) {
          this.#endOne(side, exchange);
        }
        this.#makeBatch(side);
        while (this.#ends[side].wire.length > 0) {
          this.#deliver(side);
        }
      }
    }
    for (const { batch, exchanges, plan } of this.#ends) {
      check(framesOf(batch) === undefined && plan === "none", "nothing is left to go");
      for (const { waiting } of exchanges) {
        check(waiting.units.length === 0, "nothing is left to wait");
      }
    }
    for (const { story } of this.#ends[host].exchanges) {
      this.#checkOutcome(story);
    }
  }

  #endOne(side: Side, exchange: ExchangeSide): void {
    if (exchange.carrier === "forgot") {
      return;
    }
    this.#consume(exchange, exchange.receiveWindow.heldBytes);
    if (exchange.sender === "goes-on" && exchange.reset === "none") {
      const parts = lastParts(side, exchange.story);
      if (parts !== undefined) {
        this.#send(side, exchange, parts);
      }
    }
  }

  #isStill(): boolean {
    return this.#ends.every(
      ({ exchanges, plan, wire }) =>
        plan === "none" &&
        wire.length === 0 &&
        exchanges.every(({ carrier }) => carrier === "forgot"),
    );
  }

  #checkOutcome({ outcome, request, response, requestSeen, responseSeen, flying }: Story): void {
    if (outcome === "given-up") {
      this.#reached.givenUp += 1;
      return;
    }
    check(response === responseSeen && isResponseOver(responseSeen), "the response arrived");
    check(flying[plugin].units.length === 0, "all of the response arrived");
    if (outcome === "not-needed") {
      this.#reached.notNeeded += 1;
      return;
    }
    check(request === requestSeen, "the request arrived");
    check(isRequestOver(requestSeen, isHijacked(response)), "the request is over");
    check(flying[host].units.length === 0, "all of the request arrived");
    this.#reached.completed += 1;
    this.#reached.tunnelled += isHijacked(response) ? 1 : 0;
  }
}

/** What may be left of an exchange when a batch was made. */
function checkLeft({ openBytes, owedBytes, queue, reset, sender, waiting }: ExchangeSide): void {
  check(owedBytes === 0 && reset !== "due", "credit and resets go with the next batch");
  const first = waiting.units[0];
  check(queue.waitingBytes > 0 === (first !== undefined), "what waits is counted");
  const isHead = first !== undefined && first.end === first.begin;
  check(!isHead || openBytes > 0, "a head needs no credit");
  const mayWait = 2 * queue.waitingBytes > muxWaitingBytesMax;
  check(sender === "goes-on" || mayWait, "who waits is told to go on when half has gone");
}

/** Heads in a batch, at the most: those of the test are small. */
const headRoomBytes = 200 * 80;

/**
 * Rounds to the end: each moves a batch each way, and no programme queues more than some hundred
 * chunks.
 */
const roundCountMax = 1_000;

const requestInit: RequestInit = {
  method: "POST",
  url: "/",
  requestUri: "/",
  basePath: "",
  fullPath: false,
  protocol: "HTTP/1.1",
  protocolMajor: 1,
  protocolMinor: 1,
  host: "",
  remoteAddress: "",
  headers: [],
  contentLength: -1,
  deadlineUnixMs: 0,
  requestId: "1",
  context: {},
  scheme: "http",
  expectContinue: false,
  hijackable: true,
};
const responseInit = { status: 200, headers: [] };
const earlyHints = [{ status: 103, headers: [] }];
const clientDisconnected = new ServeHTTPError("client-disconnected", "the client left");
const handlerFailed = new ServeHTTPError("handler-failed", "the handler failed");
const notNeeded = new ServeHTTPError("request-not-needed", "answered in full");

const sizes = [1, 100, 5_000, 16_384, 40_000, bodyChunkBytesMax - 1, bodyChunkBytesMax] as const;

function sizeBy(choice: number): number {
  return sizes[choice % sizes.length] as number;
}

/** One that fits; half of the time the first, so that one comes far. */
function pick(
  exchanges: readonly ExchangeSide[],
  choice: number,
  fits: (exchange: ExchangeSide) => boolean,
): ExchangeSide | undefined {
  const fitting = exchanges.filter(fits);
  return fitting[(choice & 8) === 0 ? 0 : (choice & 7) % fitting.length];
}

/** Whether both directions are over, as far as the side knows. */
function isOver(side: Side, story: Story): boolean {
  return side === host
    ? isResponseOver(story.responseSeen) &&
        isRequestOver(story.request, isHijacked(story.responseSeen))
    : isResponseOver(story.response) &&
        isRequestOver(story.requestSeen, isHijacked(story.response));
}

/** Some parts that may come next, by choice; nothing where none may. */
function nextParts(side: Side, exchange: ExchangeSide, choice: number): AnyParts | undefined {
  const { request, response, responseSeen } = exchange.story;
  const size = sizeBy(choice >> 4);
  const kind = choice & 15;
  if (side === host) {
    if (request === "body") {
      return nextOfRequestBody(exchange, kind, size);
    }
    const isTunnel = request === "ended" && isHijacked(responseSeen);
    return isTunnel ? nextOfTunnel(exchange, kind, size) : undefined;
  }
  if (typeof response === "number") {
    return nextOfHead(exchange, response, kind, size);
  }
  if (response === "body") {
    return nextOfResponseBody(exchange, kind, size);
  }
  return response === "tunnel" ? nextOfTunnel(exchange, kind, size) : undefined;
}

function nextOfRequestBody(exchange: ExchangeSide, kind: number, size: number): RequestParts {
  if (kind === 0) {
    return { end: plainEnd };
  }
  const chunk = exchange.octets(size);
  return kind === 1 ? { chunk, end: plainEnd } : { chunk };
}

function nextOfHead(
  exchange: ExchangeSide,
  interimCount: number,
  kind: number,
  size: number,
): ResponseParts {
  switch (kind) {
    case 0:
    case 1:
      return interimCount < informationalCountMax
        ? { informational: earlyHints }
        : { extendHeadMs: 1 };
    case 2:
      return { extendHeadMs: 1 };
    case 3:
    case 4:
      return { hijack: true };
    case 5:
      return { hijack: true, tunnelChunk: exchange.octets(size) };
    case 6:
      return { init: responseInit, chunk: exchange.octets(size), end: plainEnd };
    case 7:
      return { init: responseInit, end: plainEnd };
    case 8:
    case 9:
      return { init: responseInit, flush: true };
    case 10:
    case 11:
      return { init: responseInit, chunk: exchange.octets(size), flush: true };
    default:
      return { init: responseInit };
  }
}

function nextOfResponseBody(exchange: ExchangeSide, kind: number, size: number): ResponseParts {
  switch (kind) {
    case 0:
      return { end: plainEnd };
    case 1:
      return { chunk: exchange.octets(size), flush: true, end: plainEnd };
    case 2:
    case 3:
      return { flush: true };
    case 4:
    case 5:
      return { chunk: exchange.octets(size), flush: true };
    default:
      return { chunk: exchange.octets(size) };
  }
}

function nextOfTunnel(exchange: ExchangeSide, kind: number, size: number): AnyParts {
  if (kind === 0) {
    return { tunnelEnd: true };
  }
  const tunnelChunk = exchange.octets(size);
  return kind === 1 ? { tunnelChunk, tunnelEnd: true } : { tunnelChunk };
}

/** What ends a direction; nothing where it is over, or where the other side must speak first. */
function lastParts(side: Side, story: Story): AnyParts | undefined {
  if (side === host) {
    if (story.request === "body") {
      return { end: plainEnd };
    }
    return story.request === "ended" && isHijacked(story.responseSeen)
      ? { tunnelEnd: true }
      : undefined;
  }
  if (typeof story.response === "number") {
    return { init: responseInit, end: plainEnd };
  }
  if (story.response === "body") {
    return { end: plainEnd };
  }
  return story.response === "tunnel" ? { tunnelEnd: true } : undefined;
}
