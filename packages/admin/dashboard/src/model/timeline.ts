import { lookOf, type Tone } from "./plugin-state.js";

/** The beginning of a state. */
export interface StateBegin {
  readonly atUnixMs: number;
  readonly state: string;
}

/** A stretch of a plugin's life. */
export interface Stretch {
  readonly fromUnixMs: number;
  readonly toUnixMs: number;
  readonly tone: Tone;
}

/**
 * What the line of a plugin's life looks like between two times. Neighbours that look alike are one.
 * Nothing is drawn for the time before the first change: nobody knows.
 */
export function stretches(
  changes: readonly StateBegin[],
  fromUnixMs: number,
  toUnixMs: number,
): readonly Stretch[] {
  const found: Stretch[] = [];
  for (const [index, { atUnixMs, state }] of changes.entries()) {
    const begin = Math.max(atUnixMs, fromUnixMs);
    const end = Math.min(changes[index + 1]?.atUnixMs ?? toUnixMs, toUnixMs);
    const { tone } = lookOf(state);
    const last = found.at(-1);
    if (end <= begin) {
      continue;
    }
    if (last?.tone === tone) {
      found[found.length - 1] = { ...last, toUnixMs: end };
    } else {
      found.push({ fromUnixMs: begin, toUnixMs: end, tone });
    }
  }
  return found;
}

/** When it failed between two times. */
export function failureTimes(
  changes: readonly StateBegin[],
  fromUnixMs: number,
  toUnixMs: number,
): readonly number[] {
  return changes
    .filter(
      ({ atUnixMs, state }) =>
        atUnixMs > fromUnixMs && atUnixMs <= toUnixMs && lookOf(state).tone === "bad",
    )
    .map(({ atUnixMs }) => atUnixMs);
}
