import type { BalancedConnection, Candidate } from "./candidate.js";
import { latencyDecayMs } from "./latency-average.js";

/** Times that differ by less than this are taken for the same: 3. */
export const latencyRatioMin = 3;

const logRatioMin = Math.log(latencyRatioMin);

/** By so many standard errors two averages differ at least: 3. */
const errorsMin = 3;

/**
 * The one of two instances that gets the next exchange, the first of which was drawn by weight. It is
 * the second only where that is, with the exchange, no busier for its weight than the first is without
 * it: so idle instances get what their weights say. Where one surely answers several times faster than
 * the other, how long each would take decides. Hot: apps/bench measures it (`balance`).
 *
 * @param ahead by how many exchanges the first may be busier
 */
export function betterOfTwo<Connection extends BalancedConnection>(
  first: Candidate<Connection>,
  second: Candidate<Connection>,
  nowMs: number,
  ahead = 0,
): Candidate<Connection> {
  const busy = Math.max(0, first.busy - ahead);
  const busyOther = second.busy;
  const slower = first.latency.log - second.latency.log;
  if (
    (slower >= logRatioMin || -slower >= logRatioMin) &&
    slower * slower >= errorsMin * errorsMin * (first.latency.variance + second.latency.variance) &&
    nowMs - first.latency.atMs < latencyDecayMs &&
    nowMs - second.latency.atMs < latencyDecayMs
  ) {
    const loadOther = (busyOther + 1) * first.share;
    return loadOther < (busy + 1) * second.share * Math.exp(slower) ? second : first;
  }
  if ((busyOther + 1) * first.share <= busy * second.share) {
    return second;
  }
  if ((busy + 1) * second.share <= busyOther * first.share) {
    return first;
  }
  return (second.streams + 1) * first.share <= first.streams * second.share ? second : first;
}
