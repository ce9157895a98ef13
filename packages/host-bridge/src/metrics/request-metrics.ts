import type { BatchObservableResult, Histogram, Meter, Observable } from "@opentelemetry/api";
import type { ObservedRequest, RequestObserver } from "../observation/request-observer.js";
import { histogramOf, observableOf } from "./instruments.js";
import { type ActiveRequests, RequestAttributes } from "./request-attributes.js";

/** A request with what is kept by it while it is not over. */
export interface MeasuredRequest extends ObservedRequest {
  measured?: unknown;
}

/**
 * Measures requests by the semantic conventions of OpenTelemetry. What can be counted is counted
 * here, and read when somebody collects.
 */
export class RequestMetrics implements RequestObserver {
  readonly #attributes = new RequestAttributes();
  readonly #duration: Histogram;
  readonly #requestSize: Histogram;
  readonly #responseSize: Histogram;
  readonly #active: Observable;

  constructor(meter: Meter) {
    this.#duration = histogramOf(meter, "requestDuration");
    this.#requestSize = histogramOf(meter, "requestBodySize");
    this.#responseSize = histogramOf(meter, "responseBodySize");
    this.#active = observableOf(meter, "activeRequests");
  }

  /** What `observe` tells of. */
  get observables(): readonly Observable[] {
    return [this.#active];
  }

  /** Tells how many requests are not over. */
  observe(result: BatchObservableResult): void {
    for (const { attributes, count } of this.#attributes.allActive()) {
      result.observe(this.#active, count, attributes);
    }
  }

  began(request: MeasuredRequest): void {
    const active = this.#attributes.active(request);
    active.count += 1;
    request.measured = active;
  }

  becameTunnel(request: MeasuredRequest): void {
    const active = request.measured as ActiveRequests;
    active.count -= 1;
    this.#duration.record((request.headMs ?? 0) / 1_000, this.#attributes.ended(active, request));
  }

  over(request: MeasuredRequest): void {
    if (request.isTunnel) {
      return;
    }
    const active = request.measured as ActiveRequests;
    active.count -= 1;
    const attributes = this.#attributes.ended(active, request);
    this.#duration.record((request.totalMs ?? 0) / 1_000, attributes);
    this.#requestSize.record(request.requestBytes, attributes);
    this.#responseSize.record(request.responseBytes, attributes);
  }
}
