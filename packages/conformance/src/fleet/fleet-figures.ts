import { countOutcomes, type LoadResult } from "../faults/steady-load.js";
import { atMost, type Figure, none, percentile, told } from "../faults/scenario.js";
import type { ChangingFleet } from "./changing-fleet.js";

/** What is left out of the measure around an event: the second that begins with it. */
const eventMs = 1_000;
/** How much longer requests may take while things happen than while nothing does. */
const timesMax = 3;

/** What a run has found. */
export interface FleetRun {
  readonly results: readonly LoadResult[];
  readonly leftOut: number;
  readonly fleet: Pick<ChangingFleet, "events" | "killed">;
  /** What the host has logged, a record a line. */
  readonly log: string;
  /** When the calm was over, by `performance.now()`. */
  readonly calmUntilMs: number;
}

/** Judges a run. */
export function fleetFigures({
  results,
  leftOut,
  fleet,
  log,
  calmUntilMs,
}: FleetRun): readonly Figure[] {
  const failed = results.filter(({ outcome }) => outcome !== "right");
  const logged = failedExchanges(log);
  const isExcused = ({ code, instance = "" }: FailedExchange): boolean =>
    code === "connection-lost" && fleet.killed.has(instance);
  const excused = logged.filter(isExcused);
  const others = logged.filter((one) => !isExcused(one));
  const silent = failed.filter(({ outcome }) => ["truncated", "wrong", "stuck"].includes(outcome));
  const isNear = ({ beganMs, endedMs }: LoadResult): boolean =>
    fleet.events.some(({ atMs }) => beganMs < atMs + eventMs && endedMs >= atMs);
  const calm = took(results.filter(({ endedMs }) => endedMs <= calmUntilMs));
  const later = results.filter(({ beganMs }) => beganMs > calmUntilMs);
  const apart = took(later.filter((result) => !isNear(result)));
  const near = took(later.filter(isNear));
  const calmP99 = percentile(calm, 0.99);
  const counts = Map.groupBy(fleet.events, ({ what }) => what);
  return [
    told("requests", `${results.length.toLocaleString("en-US")}: ${countOutcomes(results)}`),
    told("events", Array.from(counts, ([what, { length }]) => `${length} ${what}`).join(", ")),
    none("requests left out because too many were open", leftOut),
    none(
      "exchanges that failed at an instance that was not killed",
      others.map(({ code, instance, reason }) => `${instance}: ${code}, ${reason}`),
    ),
    told("exchanges in flight on one that was killed", String(excused.length)),
    none(
      "other failed requests",
      failed.length <= logged.length ? [] : failed.map((one) => describe(one, fleet.events)),
    ),
    none("lost silently: cut off without an error, wrong, or without an end", silent.length),
    told("p99 while nothing happens", `${calmP99.toFixed(1)} ms of ${calm.length} requests`),
    atMost(
      "p99 outside the seconds of events",
      percentile(apart, 0.99),
      Math.round(timesMax * calmP99),
      "ms",
    ),
    told("of so many requests", apart.length.toLocaleString("en-US")),
    told(
      "in those seconds",
      `p50 ${percentile(near, 0.5).toFixed(1)} ms, p99 ${percentile(near, 0.99).toFixed(1)} ms, longest ${percentile(near, 1).toFixed(0)} ms`,
    ),
  ];
}

/** A record of the host's log. */
interface FailedExchange {
  readonly msg: string;
  readonly instance?: string;
  readonly code?: string;
  readonly reason?: string;
}

function failedExchanges(log: string): readonly FailedExchange[] {
  return log
    .split("\n")
    .filter((line) => line.includes('"msg":"exchange failed"'))
    .map((line) => JSON.parse(line) as FailedExchange);
}

/** A failed request, with what happened last before it did. */
function describe(result: LoadResult, events: ChangingFleet["events"]): string {
  const last = events.findLast(({ atMs }) => atMs <= result.endedMs);
  const ago =
    last === undefined ? "" : `, ${(result.endedMs - last.atMs).toFixed(0)} ms after ${last.what}`;
  const tookMs = (result.endedMs - result.beganMs).toFixed(0);
  return `${result.outcome} (${result.kind}, after ${tookMs} ms${ago})`;
}

/** How long each took, in milliseconds. */
function took(results: readonly LoadResult[]): readonly number[] {
  return results.map(({ beganMs, endedMs }) => endedMs - beganMs);
}
