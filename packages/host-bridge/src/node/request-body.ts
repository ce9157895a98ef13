import type { HostRequest } from "../client/node-types.js";
import type { BodySink, RequestBody } from "../client/request-body.js";
import { unprovenEndMs } from "../limits.js";

/** The body of a request that a server of Node's reads. */
export class NodeBody implements RequestBody {
  readonly #request: HostRequest;
  #sink: BodySink | undefined;
  readonly #onData = (chunk: Buffer): void => this.#sink?.bodyChunk(chunk);
  readonly #onEnd = (): void => {
    if (this.#isEndProven) {
      this.#sink?.bodyEnd();
    } else {
      this.#endTimer = setTimeout(() => this.#sink?.bodyEnd(), unprovenEndMs);
    }
  };
  #endTimer: NodeJS.Timeout | undefined;

  constructor(request: HostRequest) {
    this.#request = request;
  }

  get complete(): boolean {
    return this.#request.complete;
  }

  get rawTrailers(): readonly string[] {
    return this.#request.rawTrailers;
  }

  start(sink: BodySink): void {
    this.#sink = sink;
    const request = this.#request;
    request.on("data", this.#onData);
    request.on("end", this.#onEnd);
    request.resume();
  }

  stop(): void {
    this.#sink = undefined;
    clearTimeout(this.#endTimer);
    const request = this.#request;
    request.off("data", this.#onData);
    request.off("end", this.#onEnd);
    request.pause();
  }

  pause(): void {
    this.#request.pause();
  }

  resume(): void {
    this.#request.resume();
  }

  /**
   * Whether the end of the body can be taken for what it is. Node's own HTTP/2 client, for one,
   * ends a stream that it gives up before it resets it; only a length, or trailers, tell that from
   * a body that is whole.
   */
  get #isEndProven(): boolean {
    const { httpVersionMajor, headers, rawTrailers } = this.#request;
    return (
      httpVersionMajor < 2 || headers["content-length"] !== undefined || rawTrailers.length > 0
    );
  }
}
