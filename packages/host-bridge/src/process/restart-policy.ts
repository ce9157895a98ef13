/** When a plugin that failed is started again. All durations in milliseconds. */
export interface RestartRules {
  /** After the first failure behind a run of `steadyRunMs`. */
  readonly delayMsSteady: number;
  /** After the next failure, and after one that no such run came before; then it doubles. */
  readonly delayMsMin: number;
  readonly delayMsMax: number;
  /**
   * The share by which a delay is made shorter or longer by chance, so that plugins don't start in
   * step.
   */
  readonly jitter: number;
  /** A run as long as this is a healthy one: after it, the delays begin anew. */
  readonly steadyRunMs: number;
  /** So many failures within `windowMs`, and the plugin is given up. */
  readonly failuresMax: number;
  readonly windowMs: number;
}

/**
 * At once after a run of 10 s, then 100 ms doubling to 30 s, give or take 20 %; given up after 5
 * failures within a minute.
 */
export const restartRules: RestartRules = {
  delayMsSteady: 0,
  delayMsMin: 100,
  delayMsMax: 30_000,
  jitter: 0.2,
  steadyRunMs: 10_000,
  failuresMax: 5,
  windowMs: 60_000,
};

/**
 * For a plugin at an address, whose process the host does not start. It is never given up, because
 * nothing would tell the host that it is back. A connection costs little, so the delays begin anew
 * with each one that came about: a plugin that breaks a connection is away for 100 ms, not for 30 s.
 * Not at once, because one that breaks each connection would be connected to without a pause.
 */
export const addressRules: RestartRules = {
  ...restartRules,
  delayMsSteady: 100,
  steadyRunMs: 1,
  failuresMax: Number.POSITIVE_INFINITY,
};

/** What is remembered of a plugin's failures. */
export interface FailureHistory {
  /** Failures in a row since the last run of `steadyRunMs`, without the one that ended it. */
  readonly streak: number;
  /** When they were, oldest first: those that lie within the window. */
  readonly timesMs: readonly number[];
}

export const noFailures: FailureHistory = { streak: 0, timesMs: [] };

/**
 * What to do after a failure. Pure: the clock and chance are parameters.
 *
 * @param ranMs how long the plugin had been ready; 0 when it never was
 * @param chance from 0 to 1
 * @returns the history to pass next time, and the delay before the next start; undefined: give up
 */
export function afterFailure(
  history: FailureHistory,
  nowMs: number,
  ranMs: number,
  chance: number,
  rules: RestartRules = restartRules,
): { readonly history: FailureHistory; readonly delayMs: number | undefined } {
  const streak = ranMs >= rules.steadyRunMs ? 0 : history.streak + 1;
  const recent = history.timesMs.filter((timeMs) => nowMs - timeMs < rules.windowMs);
  const timesMs = [...recent, nowMs];
  const next: FailureHistory = { streak, timesMs };
  if (timesMs.length >= rules.failuresMax) {
    return { history: next, delayMs: undefined };
  }
  const delayMs =
    streak === 0
      ? rules.delayMsSteady
      : Math.min(rules.delayMsMin * 2 ** (streak - 1), rules.delayMsMax);
  const moved = delayMs * (1 + rules.jitter * (2 * chance - 1));
  return { history: next, delayMs: Math.round(moved) };
}
