import { type RequestInit, ServeHTTPError } from "@servehttp/contract";
import type { IdentityFields } from "../edge/read-identity.js";

/** A call that can be cancelled. */
export interface RunningCall {
  cancel(reason: ServeHTTPError): void;
}

/** An exchange with a plugin that may call others, as far as its calls need to know of it. */
export class CallingExchange {
  readonly init: RequestInit;
  /** What the host's `identity` said of the client; undefined where there is no such function. */
  readonly identity: IdentityFields | undefined;
  /** How many calls were made within one another until it began; 0 where a client made it. */
  readonly depth: number;
  readonly #calls = new Set<RunningCall>();

  constructor(init: RequestInit, identity: IdentityFields | undefined, depth: number) {
    this.init = init;
    this.identity = identity;
    this.depth = depth;
  }

  /** A call is made within it. Returns what takes it away again. */
  add(call: RunningCall): () => void {
    this.#calls.add(call);
    return () => this.#calls.delete(call);
  }

  /** It is over, with the error that it failed with, and so are its calls. */
  end(error: ServeHTTPError | undefined): void {
    const code =
      error?.code === "deadline" || error?.code === "host-stopping"
        ? error.code
        : "client-disconnected";
    for (const call of this.#calls) {
      call.cancel(new ServeHTTPError(code, "the exchange is over within which the call was made"));
    }
    this.#calls.clear();
  }
}
