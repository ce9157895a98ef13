import type { HostRequest } from "../client/node-types.js";
import type { BodySink, RequestBody } from "../client/request-body.js";

/** The body of a request that a server of Node's reads. */
export class NodeBody implements RequestBody {
  readonly #request: HostRequest;
  #sink: BodySink | undefined;
  readonly #onData = (chunk: Buffer): void => this.#sink?.bodyChunk(chunk);
  readonly #onEnd = (): void => this.#sink?.bodyEnd();

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
}
