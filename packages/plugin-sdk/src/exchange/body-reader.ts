import { type FieldList, ServeHTTPError } from "@servehttp/contract";
import { type HeaderList, headerListOf } from "../handler/header-list.js";

/**
 * A body between the carrier, which brings it, and the handler, which reads it. It holds one chunk,
 * the last that the carrier brought; the carrier waits until the handler has taken it.
 *
 * The source:   arriving -> complete [receive]; arriving -> cut [cut]
 * The consumer: unread -> reading [Symbol.asyncIterator]; unread, reading -> dropping [drop]
 */
export class BodyReader implements AsyncIterable<Uint8Array> {
  #source: Source = arriving;
  #consumer: "unread" | "reading" | "dropping" = "unread";
  #chunk: Uint8Array | undefined;
  #chunkTaken: (() => void) | undefined;
  #waiting: Waiting | undefined;
  #trailers: PromiseWithResolvers<HeaderList> | undefined;
  #askForBody: (() => ServeHTTPError | undefined) | undefined;

  /**
   * @param askForBody called when the handler first waits for the body; returns why the body can't
   * come
   */
  constructor(askForBody?: () => ServeHTTPError | undefined) {
    this.#askForBody = askForBody;
  }

  /** From the carrier. */
  receive(chunk: Uint8Array | undefined, trailers: FieldList | undefined): void | Promise<void> {
    this.#askForBody = undefined;
    if (this.#source.at === "cut") {
      return undefined;
    }
    let taken: Promise<void> | undefined;
    if (chunk !== undefined && this.#consumer !== "dropping") {
      taken = this.#deliver(chunk);
    }
    if (trailers !== undefined) {
      this.#complete(trailers);
    }
    return taken;
  }

  /**
   * The rest of the body won't come. Discards the chunk that it holds, unless the body is complete.
   */
  cut(error: ServeHTTPError): void {
    if (this.#source.at !== "arriving") {
      return;
    }
    this.#source = { at: "cut", error };
    this.#release();
    this.#waiting?.reject(error);
    this.#waiting = undefined;
    this.#trailers?.reject(error);
  }

  /** Discards the rest of the body. */
  drop(): void {
    this.#consumer = "dropping";
    this.#release();
    this.#waiting?.resolve(finished);
    this.#waiting = undefined;
  }

  get trailers(): Promise<HeaderList> {
    if (this.#trailers === undefined) {
      this.#trailers = Promise.withResolvers();
      // A handler may ask for them and not wait.
      this.#trailers.promise.catch(ignore);
      this.#settleTrailers();
    }
    return this.#trailers.promise;
  }

  [Symbol.asyncIterator](): AsyncIterableIterator<Uint8Array> {
    if (this.#consumer !== "unread") {
      throw new ServeHTTPError("already-read", "the body of this request was read before");
    }
    this.#consumer = "reading";
    const iterator: AsyncIterableIterator<Uint8Array> = {
      next: () => this.#next(),
      return: () => {
        this.drop();
        return Promise.resolve(finished);
      },
      [Symbol.asyncIterator]: () => iterator,
    };
    return iterator;
  }

  #next(): Promise<IteratorResult<Uint8Array, undefined>> {
    if (this.#waiting !== undefined) {
      // A second call before the first has settled comes after it.
      return this.#waiting.promise.then(() => this.#next());
    }
    const chunk = this.#chunk;
    if (chunk !== undefined) {
      this.#release();
      return Promise.resolve({ done: false, value: chunk });
    }
    if (this.#source.at === "cut") {
      return Promise.reject(this.#source.error);
    }
    if (this.#source.at === "complete" || this.#consumer === "dropping") {
      return Promise.resolve(finished);
    }
    const refusal = this.#askForBody?.();
    this.#askForBody = undefined;
    if (refusal !== undefined) {
      this.cut(refusal);
      return Promise.reject(refusal);
    }
    this.#waiting = Promise.withResolvers();
    return this.#waiting.promise;
  }

  #deliver(chunk: Uint8Array): Promise<void> | undefined {
    if (this.#waiting !== undefined) {
      this.#waiting.resolve({ done: false, value: chunk });
      this.#waiting = undefined;
      return undefined;
    }
    this.#chunk = chunk;
    return new Promise((resolve) => {
      this.#chunkTaken = resolve;
    });
  }

  #release(): void {
    this.#chunk = undefined;
    this.#chunkTaken?.();
    this.#chunkTaken = undefined;
  }

  #complete(trailers: FieldList): void {
    this.#source = { at: "complete", trailers };
    if (this.#chunk === undefined) {
      this.#waiting?.resolve(finished);
      this.#waiting = undefined;
    }
    this.#settleTrailers();
  }

  #settleTrailers(): void {
    if (this.#source.at === "complete") {
      this.#trailers?.resolve(headerListOf(this.#source.trailers));
    } else if (this.#source.at === "cut") {
      this.#trailers?.reject(this.#source.error);
    }
  }
}

type Source =
  | { readonly at: "arriving" }
  | { readonly at: "complete"; readonly trailers: FieldList }
  | { readonly at: "cut"; readonly error: ServeHTTPError };

type Waiting = PromiseWithResolvers<IteratorResult<Uint8Array, undefined>>;

const arriving: Source = { at: "arriving" };

const finished: IteratorReturnResult<undefined> = { done: true, value: undefined };

function ignore(): void {
  // The reason is in the request's signal as well.
}
