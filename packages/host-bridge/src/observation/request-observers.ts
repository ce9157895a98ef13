import { loggableError } from "@servehttp/contract";
import type { IncomingRequest } from "../client/incoming-request.js";
import type { RequestFields } from "../edge/request-fields.js";
import { RequestObservation } from "./request-observation.js";
import type { RequestObserver } from "./request-observer.js";

/** Called with what an observer has thrown. */
export type OnObserverFault = (details: { readonly err: Error }, message: string) => void;

/** Whoever watches the requests of a host. */
export class RequestObservers {
  readonly #onFault: OnObserverFault;
  /** Replaced, never changed: a request that has begun keeps those that have seen it begin. */
  #observers: readonly RequestObserver[] | undefined;

  constructor(onFault: OnObserverFault) {
    this.#onFault = onFault;
  }

  /** Lets an observer watch all requests that begin from now on. Returns the function that ends it. */
  add(observer: RequestObserver): () => void {
    // One of its own for each call, so that the same observer can be added twice.
    const added = guarded(observer, this.#onFault);
    this.#observers = [...(this.#observers ?? []), added];
    return () => {
      const left = this.#observers?.filter((one) => one !== added) ?? [];
      this.#observers = left.length === 0 ? undefined : left;
    };
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
    const observers = this.#observers;
    return observers === undefined
      ? undefined
      : new RequestObservation(observers, request, target, pluginId, fields, requestId);
  }
}

/** The functions that an observer has, each so that nothing it throws gets out. */
function guarded(observer: RequestObserver, onFault: OnObserverFault): RequestObserver {
  const own: { -readonly [K in keyof RequestObserver]: RequestObserver[K] } = {};
  for (const name of observed) {
    if (observer[name] !== undefined) {
      own[name] = (request) => {
        try {
          observer[name]?.(request);
        } catch (thrown) {
          onFault({ err: loggableError(thrown) }, `an observer of requests threw in ${name}`);
        }
      };
    }
  }
  return own;
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
