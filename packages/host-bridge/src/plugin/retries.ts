import { ServeHTTPError } from "@servehttp/contract";
import type { BoundClient } from "../exchange/bound-client.js";
import type { Destination } from "../exchange/destination.js";
import type { ExchangePlugin, GivenBack, GoOn } from "../exchange/exchange.js";
import { givenBackMs } from "../limits.js";
import type { Clock } from "../process/clock.js";
import { RetryBudget } from "./retry-budget.js";

/**
 * What became of an exchange that was given back: it went to another instance, or to the same one,
 * or it was not tried again.
 */
export type Retry = "another-instance" | "same-instance" | "none";

/** The client's fields, where one of them may bind its request to an instance. */
type BoundBy = BoundClient["rawHeaders"] | undefined;

/** Where exchanges of a plugin may go. */
export interface RetryPlaces {
  /** Where a request goes that is bound by this but for this instance; undefined: nowhere now. */
  readonly another: (here: ExchangePlugin, boundBy: BoundBy) => Destination | undefined;
  /** Where a new request goes that is bound by this. */
  readonly any: (boundBy: BoundBy) => Destination;
}

/** Finds where exchanges of a plugin go on that were given back, because no handler has seen them. */
export class Retries {
  readonly counts: Record<Retry, number> = { "another-instance": 0, "same-instance": 0, none: 0 };
  readonly #places: RetryPlaces;
  readonly #clock: Clock;
  readonly #budget = new RetryBudget();

  constructor(places: RetryPlaces, clock: Clock) {
    this.#places = places;
    this.#clock = clock;
  }

  /** An exchange has ended well. */
  earn(): void {
    this.#budget.earn();
  }

  /**
   * Where one goes on that was given back here: at another instance, where one is ready; else here,
   * or where the first one becomes ready. Calls back once. Returns what lets it leave before.
   *
   * @param boundBy what may bind it to an instance
   */
  find(
    here: ExchangePlugin,
    boundBy: BoundBy,
    { error, timesBefore }: GivenBack,
    goOn: GoOn,
  ): () => void {
    const early = new AbortController();
    let leave = () => early.abort();
    const look = () => {
      const destination = this.#look(here, boundBy, error);
      if (destination.kind === "wait") {
        leave = destination.wait((next) => this.#goOn(here, next, error, goOn));
      } else {
        this.#goOn(here, destination, error, goOn);
      }
    };
    // Later, because a loss is told in the callbacks of promises; and later each time, because one
    // connection after the other brings the news that the plugin goes.
    const delayMs = timesBefore === 0 ? 0 : givenBackMs * 4 ** (timesBefore - 1);
    this.#clock.after(delayMs, early.signal, look);
    return () => leave();
  }

  #look(here: ExchangePlugin, boundBy: BoundBy, error: ServeHTTPError): Destination {
    const another = this.#places.another(here, boundBy);
    if (another === undefined && error.code === "overload") {
      return { kind: "refused", error };
    }
    if (!this.#budget.take()) {
      const message = `${error.message}; not tried again, as too many others were`;
      return {
        kind: "refused",
        error: new ServeHTTPError("unavailable", message, { cause: error }),
      };
    }
    return another ?? this.#places.any(boundBy);
  }

  #goOn(here: ExchangePlugin, next: Destination, error: ServeHTTPError, goOn: GoOn): void {
    if (next.kind === "exchange") {
      this.counts[next.plugin === here ? "same-instance" : "another-instance"] += 1;
      goOn(next.plugin);
    } else {
      this.counts.none += 1;
      goOn(next.kind === "refused" ? next.error : error);
    }
  }
}
