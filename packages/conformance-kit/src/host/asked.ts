import type { TestExchange, TestHead, TestRequest, TestResponse } from "../client/http-client.js";
import type { Deadline } from "../wire/deadline.js";
import type { Trace } from "../wire/trace.js";

/** A request of the kit's client to the host, and what has come back. */
export class Asked {
  readonly exchange: TestExchange;
  /** The head, once it has come. */
  arrivedHead: TestHead | undefined;
  /** Why it broke before that. */
  failure: string | undefined;
  readonly #deadline: Deadline;
  readonly #trace: Trace;
  #bodyBytes = 0;

  constructor(exchange: TestExchange, request: TestRequest, deadline: Deadline, trace: Trace) {
    this.exchange = exchange;
    this.#deadline = deadline;
    this.#trace = trace;
    const method = request.method ?? (request.body === undefined ? "GET" : "POST");
    trace.note(`client sent ${method} ${request.path}`);
    exchange.head.then(
      (head) => {
        this.arrivedHead = head;
        trace.note(`client got status ${head.status}`);
        deadline.changed();
      },
      (error: unknown) => {
        this.failure = textOf(error);
        trace.note(`client got no head: ${this.failure}`);
        deadline.changed();
      },
    );
  }

  /** Waits for the head. Throws where the exchange breaks before. */
  async head(): Promise<TestHead> {
    await this.#deadline.until("the head of the response at the client", () => this.isAnswered);
    if (this.arrivedHead === undefined) {
      throw new Error(`no head came: ${this.failure}`);
    }
    return this.arrivedHead;
  }

  /** Whether there is a head, or none will come. */
  get isAnswered(): boolean {
    return this.arrivedHead !== undefined || this.failure !== undefined;
  }

  /** The next bytes of the body; undefined at its end. */
  async read(): Promise<Uint8Array | undefined> {
    const bytes = await this.#within("more of the body", this.exchange.read());
    this.#bodyBytes += bytes?.length ?? 0;
    return bytes;
  }

  /** Exactly so many bytes of the body, or what there is of it. */
  async readBytes(sizeBytes: number): Promise<Buffer> {
    const pieces: Uint8Array[] = [];
    let size = 0;
    while (size < sizeBytes) {
      const piece = await this.read();
      if (piece === undefined) {
        break;
      }
      pieces.push(piece);
      size += piece.length;
    }
    return Buffer.concat(pieces);
  }

  /** The whole response. Throws where it is broken. */
  async whole(): Promise<TestResponse> {
    const head = await this.head();
    const body = await this.#within("the end of the response", this.exchange.rest());
    this.#bodyBytes += body.length;
    this.#trace.note(`client got the end, behind ${this.#bodyBytes} bytes`);
    return { ...head, body, trailers: this.exchange.trailers() };
  }

  /** In words, how it ends: with its status, and whether it is whole. */
  async outcome(): Promise<string> {
    await this.#deadline.until("the end of the exchange at the client", () => this.isAnswered);
    if (this.arrivedHead === undefined) {
      return "broken before its head";
    }
    const { status } = this.arrivedHead;
    let body: Uint8Array | undefined;
    try {
      ({ body } = await this.whole());
    } catch (error) {
      if (this.#deadline.isPast) {
        throw error;
      }
      this.#trace.note("client got a broken transfer");
      return `broken behind status ${status}`;
    }
    return `whole with status ${status}: ${Buffer.from(body).toString("latin1").slice(0, 200)}`;
  }

  /** Sends some of the body, when there is room. */
  async write(chunk: Uint8Array): Promise<void> {
    this.#trace.note(`client sent ${chunk.length} bytes`);
    await this.#within("room for the request's body", this.exchange.write(chunk));
  }

  /** Ends the body. */
  end(): void {
    this.#trace.note("client sent the end");
    this.exchange.end();
  }

  /** Leaves at once. */
  leave(): void {
    this.#trace.note("client left");
    this.exchange.leave();
  }

  #within<T>(what: string, promise: Promise<T>): Promise<T> {
    return this.#deadline.within(what, promise);
  }
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
