import { loggableError } from "@servehttp/contract";
import type { IncomingRequest } from "../client/incoming-request.js";
import type { RequestFields, TraceContextFields } from "../edge/request-fields.js";
import { RequestObservation, type Watch, type Watching } from "./request-observation.js";
import type { RequestObserver } from "./request-observer.js";
import { isRecordedRoot } from "./root-trace.js";
import { UnwatchedRequest } from "./unwatched-request.js";
import type { WatchedRequest } from "./watched-request.js";

/** Called with what an observer has thrown. */
export type OnObserverFault = (details: { readonly err: Error }, message: string) => void;

/** An observer that makes spans of requests. */
export interface TracingObserver extends RequestObserver {
  /**
   * Begins a trace with a request. Returns its `traceparent`, as `RootTracer` does; undefined where it
   * has to see the request first.
   */
  drawRoot(traceContext: TraceContextFields | undefined): string | undefined;
}

/** Whoever watches the requests of a host. */
export class RequestObservers {
  readonly #onFault: OnObserverFault;
  #observers: readonly RequestObserver[] = [];
  /** Replaced, never changed: a request that has begun keeps those that have seen it begin. */
  #watching: Watching | undefined;
  #tracer: TracingObserver | undefined;
  #traced: RequestObserver | undefined;
  /** Those of requests that are traced and not recorded. Undefined for none. */
  #watchingUnrecorded: Watching | undefined;

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

  /** Adds the one that traces. It does not see requests of which `drawRoot` says that nothing is recorded. */
  trace(tracer: TracingObserver): void {
    this.#tracer = tracer;
    this.#traced = guarded(tracer, this.#onFault);
    this.#watchWith(this.#observers);
  }

  #watchWith(observers: readonly RequestObserver[]): void {
    this.#observers = observers;
    this.#watchingUnrecorded = watchingOf(observers);
    this.#watching =
      this.#traced === undefined
        ? this.#watchingUnrecorded
        : watchingOf([this.#traced, ...observers]);
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
  ): WatchedRequest | undefined {
    let watching = this.#watching;
    if (watching === undefined) {
      return undefined;
    }
    const traceParent = this.#tracer?.drawRoot(fields?.traceContext);
    const isUnrecorded = traceParent !== undefined && !isRecordedRoot(traceParent);
    if (isUnrecorded) {
      watching = this.#watchingUnrecorded;
      if (watching === undefined) {
        return new UnwatchedRequest(["traceparent", traceParent]);
      }
    }
    return new RequestObservation(
      watching,
      request,
      target,
      pluginId,
      fields,
      requestId,
      traceParent,
    );
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

function watchingOf(observers: readonly RequestObserver[]): Watching | undefined {
  if (observers.length === 0) {
    return undefined;
  }
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
