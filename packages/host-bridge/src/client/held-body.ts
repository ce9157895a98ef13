import { heldBodyBytesMax } from "../limits.js";
import type { BodySink, RequestBody } from "./request-body.js";

/**
 * The body of a request that waits for its plugin. It is read ahead, up to a bound, because only
 * who reads a connection notices that it has ended: the end stands behind the body. What was read
 * goes to the sink that `start` names, and then the rest as it comes.
 */
export class HeldBody implements RequestBody {
  readonly #body: RequestBody;
  readonly #held: Buffer[] = [];
  #heldBytes = 0;
  #hasEnded = false;
  #sink: BodySink | undefined;
  #isPaused = false;

  constructor(body: RequestBody) {
    this.#body = body;
    body.start({
      bodyChunk: (chunk) => this.#take(chunk),
      bodyEnd: () => {
        this.#hasEnded = true;
        this.#flow();
      },
    });
  }

  get complete(): boolean {
    return this.#body.complete;
  }

  get rawTrailers(): readonly string[] {
    return this.#body.rawTrailers;
  }

  start(sink: BodySink): void {
    this.#sink = sink;
    // Not at once: a sink gets nothing before it has been told that it gets something.
    queueMicrotask(() => this.#flow());
  }

  stop(): void {
    this.#sink = undefined;
    this.#held.length = 0;
    this.#body.stop();
  }

  pause(): void {
    this.#isPaused = true;
    this.#body.pause();
  }

  resume(): void {
    this.#isPaused = false;
    this.#flow();
  }

  #take(chunk: Buffer): void {
    this.#held.push(chunk);
    this.#heldBytes += chunk.length;
    if (this.#sink === undefined && this.#heldBytes >= heldBodyBytesMax) {
      this.#body.pause();
    }
    this.#flow();
  }

  #flow(): void {
    for (;;) {
      if (this.#sink === undefined || this.#isPaused) {
        return;
      }
      const chunk = this.#held.shift();
      if (chunk === undefined) {
        break;
      }
      this.#heldBytes -= chunk.length;
      this.#sink.bodyChunk(chunk);
    }
    if (this.#hasEnded) {
      const sink = this.#sink;
      this.#sink = undefined;
      sink.bodyEnd();
    } else {
      this.#body.resume();
    }
  }
}
