import { type FieldList, ServeHTTPError } from "@servehttp/contract";
import { HeaderList } from "../handler/header-list.js";

/**
 * A request's body between the carrier, which brings it, and the handler, which takes it. It holds the one chunk that
 * the carrier brought last; the carrier waits until that is taken.
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

  /** `askForBody` is called when the first byte is waited for; it returns why the body won't come. */
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

  /** The rest of the body won't come. What has been at hand is dropped, unless the body is complete. */
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

  /** Nobody needs the rest: what comes is dropped. */
  drop(): void {
    this.#consumer = "dropping";
    this.#release();
    this.#waiting?.resolve(finished);
    this.#waiting = undefined;
  }

  get trailers(): Promise<HeaderList> {
    if (this.#trailers === undefined) {
      this.#trailers = Promise.withResolvers();
      // A handler may ask and not listen.
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
      // Two calls without waiting for the first: one after the other.
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
      this.#trailers?.resolve(new HeaderList(this.#source.trailers));
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
  // A rejection that its owner chose not to look at.
}
