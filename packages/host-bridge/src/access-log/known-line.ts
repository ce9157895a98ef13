import type { ObservedRequest } from "../observation/request-observer.js";
import { isPlainText, type LineBytes } from "./line-bytes.js";

/**
 * What lines have in common of requests that come with the same fields on one connection: how they
 * begin, and, of a request that came again and got an answer of the same size, all but its id and its
 * times.
 */
export class KnownLine {
  readonly #method: string;
  readonly #pluginId: string | undefined;
  readonly beginning: Uint8Array;
  // Of the last request.
  #target = "";
  #requestBytes = 0;
  #responseBytes = 0;
  #idLength = 0;
  /** Where the id is in `#upToTimes`. */
  #idAt = 0;
  /** There once it came again. */
  #upToTimes: Uint8Array | undefined = undefined;

  constructor({ method, pluginId }: ObservedRequest, beginning: Uint8Array) {
    this.#method = method;
    this.#pluginId = pluginId;
    this.beginning = beginning;
  }

  /** Whether a request's line begins like this. */
  begins({ method, pluginId }: ObservedRequest): boolean {
    return this.#method === method && this.#pluginId === pluginId;
  }

  /** The line up to its times, in which the id is still another one; undefined where it is not known. */
  upToTimes(request: ObservedRequest): Uint8Array | undefined {
    return this.#upToTimes !== undefined && this.#isLikeLast(request) && isPlain(request)
      ? this.#upToTimes
      : undefined;
  }

  /** Writes the id into a copy of what `upToTimes` gave, which begins there. */
  putId(line: LineBytes, start: number, { requestId }: ObservedRequest): void {
    line.plainAt(start + this.#idAt, requestId as string);
  }

  /**
   * Takes notice of a line that was written from `start` up to its times.
   *
   * @param idAt where its id is in it
   */
  note(request: ObservedRequest, line: LineBytes, start: number, idAt: number): void {
    this.#upToTimes =
      this.#isLikeLast(request) && isPlain(request) ? line.copyFrom(start) : undefined;
    this.#idAt = idAt;
    this.#target = request.target;
    this.#requestBytes = request.requestBytes;
    this.#responseBytes = request.responseBytes;
    this.#idLength = request.requestId?.length ?? 0;
  }

  #isLikeLast(request: ObservedRequest): boolean {
    return (
      request.target === this.#target &&
      request.requestId?.length === this.#idLength &&
      request.responseBytes === this.#responseBytes &&
      request.requestBytes === this.#requestBytes
    );
  }
}

/** Whether it came out as most do, and its id can be written over that of another. */
function isPlain({ outcome, requestId, status }: ObservedRequest): boolean {
  return status === 200 && outcome === "ok" && requestId !== undefined && isPlainText(requestId);
}
