import { loggableError } from "@servehttp/contract";
import type { IncomingRequest } from "../client/incoming-request.js";
import type { RequestFields } from "../edge/request-fields.js";
import { RequestObservation, type Watch, type Watching } from "./request-observation.js";
import type { RequestObserver } from "./request-observer.js";

/** Called with what an observer has thrown. */
export type OnObserverFault = (details: { readonly err: Error }, message: string) => void;

/** Whoever watches the requests of a host. */
export class RequestObservers {
  readonly #onFault: OnObserverFault;
  #observers: readonly RequestObserver[] = [];
  /** Replaced, never changed: a request that has begun keeps those that have seen it begin. */
  #watching: Watching | undefined;

  constructor(onFault: OnObserverFault) {
    this.#onFault = onFault;
  }

  /** Lets an observer watch all requests that begin from now on. Returns the function that ends it. */
  add(observer: RequestObserver): () => void {
    // One of its own for each call, so that the same observer can be added twice.
    const added = guarded(observer, this.#onFault);
    this.#watchWith([...this.#observers, added]);
    return () => this.#watchWith(this.#observers.filter((one) => one !== added));
  }

  #watchWith(observers: readonly RequestObserver[]): void {
    this.#observers = observers;
    this.#watching = observers.length === 0 ? undefined : watchingOf(observers);
  }

  /**
   * A request has come. Undefined where nobody watches. Hot: the small GET of `apps/bench`.
   *
   * @param target what the client asked for, without secret parameters
   * @param pluginId undefined where the host has no such plugin
   * @param fields undefined where the edge has not let it through
   */
  begin(
    request: IncomingRequest,
    target: string,
    pluginId?: string,
    fields?: RequestFields,
    requestId?: string,
  ): RequestObservation | undefined {
    const watching = this.#watching;
    return watching === undefined
      ? undefined
      : new RequestObservation(watching, request, target, pluginId, fields, requestId);
  }
}

/** The functions that an observer has, each so that nothing it throws gets out. */
function guarded(observer: RequestObserver, onFault: OnObserverFault): RequestObserver {
  const own: { -readonly [K in keyof RequestObserver]: RequestObserver[K] } = {};
  for (const name of observed) {
    const watch = observer[name]?.bind(observer);
    if (watch !== undefined) {
      own[name] = (request) => {
        try {
          watch(request);
        } catch (thrown) {
          onFault({ err: loggableError(thrown) }, `an observer of requests threw in ${name}`);
        }
      };
    }
  }
  return own;
}

function watchingOf(observers: readonly RequestObserver[]): Watching {
  const those = (name: keyof RequestObserver): readonly Watch[] =>
    observers.flatMap((observer) => observer[name] ?? []);
  return {
    began: those("began"),
    waiting: those("waiting"),
    sent: those("sent"),
    givenBack: those("givenBack"),
    head: those("head"),
    bodyBegan: those("bodyBegan"),
    becameTunnel: those("becameTunnel"),
    over: those("over"),
  };
}

const observed = [
  "began",
  "waiting",
  "sent",
  "givenBack",
  "head",
  "bodyBegan",
  "becameTunnel",
  "over",
] as const satisfies readonly (keyof RequestObserver)[];
