/**
 * What an instance did wrong: it answered 5xx; 502, 503 or 504 (`gateway`), or something as bad; or
 * there was no answer because the connection broke or nothing came in time (`local-origin`).
 */
export type InstanceFailure = "5xx" | "gateway" | "local-origin";

/** Why an instance was ejected. */
export type EjectionReason =
  | "consecutive-5xx"
  | "consecutive-gateway-failure"
  | "consecutive-local-origin-failure"
  | "success-rate"
  | "probe-failed";

/**
 * Whether an instance is ejected.
 *
 *   in      -> ejected [OutlierDetection.failed, .tick]
 *   ejected -> probing [.tick: its time is over; .probe]
 *   probing -> in      [.succeeded]
 *   probing -> ejected [.failed]
 */
export type Standing =
  | { readonly name: "in" }
  | { readonly name: "ejected"; readonly untilMs: number }
  /** It may have one exchange, at this time. */
  | { readonly name: "probing"; readonly nextMs: number };

export const standsIn: Standing = { name: "in" };

/** What is remembered of one instance. */
export class OutlierRecord {
  standing: Standing = standsIn;
  /** Without a success between them. */
  consecutive5xx = 0;
  consecutiveGateway = 0;
  consecutiveLocal = 0;
  /** In this interval. */
  requests = 0;
  successes = 0;
  /** By how much its next ejection is longer than the first. */
  backoff = 0;

  resetConsecutive(): void {
    this.consecutive5xx = 0;
    this.consecutiveGateway = 0;
    this.consecutiveLocal = 0;
  }
}
