import type { BalancedConnection, Candidate } from "./candidate.js";
import { latencyDecayMs } from "./latency-average.js";

/** What a batch may make the last of its exchanges wait for at the instance: 2 ms. */
const batchWaitMs = 2;

/** More at once bring nothing. */
const batchAheadMax = 32;

/**
 * By how many exchanges an instance may be busier than another, for the sake of those that go to it
 * in one message: as many as it answers in 2 ms, at the pace at which it answers those that it has.
 * So an instance whose handlers take longer gets no batches. Hot.
 */
export function batchAhead(
  { busy, latency }: Candidate<BalancedConnection>,
  nowMs: number,
): number {
  if (latency.variance === Number.POSITIVE_INFINITY || nowMs - latency.atMs >= latencyDecayMs) {
    return 0;
  }
  const answeredPerMs = Math.max(1, busy) * Math.exp(-latency.log);
  return Math.min(batchAheadMax, Math.floor(batchWaitMs * answeredPerMs));
}
