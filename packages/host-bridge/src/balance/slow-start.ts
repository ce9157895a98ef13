/** How an instance that has just become ready is spared: Envoy's `slow_start_config`. */
export interface SlowStart {
  /** How long, in milliseconds; 0: not at all. */
  readonly windowMs: number;
  /** 1: its share grows evenly; more: fast at first. */
  readonly aggression: number;
  /** What it gets at least, in percent of its share. */
  readonly minWeightPercent: number;
}

/** The least time that counts: 1 s, as in Envoy. */
const sinceMsMin = 1_000;

/** Which part of its weight an instance has that has been ready for so long: 1 once it is over. */
export function slowStartFactor(readyMs: number, slowStart: SlowStart): number {
  const { aggression, minWeightPercent, windowMs } = slowStart;
  if (readyMs >= windowMs) {
    return 1;
  }
  const time = Math.min(1, Math.max(readyMs, sinceMsMin) / windowMs);
  return Math.max(minWeightPercent / 100, time ** (1 / aggression));
}
