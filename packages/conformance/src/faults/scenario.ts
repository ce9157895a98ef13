/** What a run is to do. */
export interface RunSettings {
  /** How often: kills, reloads, plugins, whatever the scenario counts. */
  readonly count: number;
  readonly seed: number;
  readonly carrier: "mux" | "stream";
  /** Requests a second of the load, where there is one. */
  readonly rate: number;
  /** Says on the terminal how far it is. */
  readonly progress: (text: string) => void;
}

/** One line of a result. */
export interface Figure {
  readonly name: string;
  /** What it has to be, in words; empty where it only tells something. */
  readonly wanted: string;
  readonly found: string;
  readonly isGood: boolean;
}

/** One kind of fault, done to a host under load. */
export interface Scenario {
  readonly name: string;
  /** One line about what it does. */
  readonly about: string;
  /** What the count counts, and how much of it there is by default. */
  readonly counts: string;
  readonly count: number;
  run(settings: RunSettings): Promise<readonly Figure[]>;
}

/** A figure that has to be zero. */
export function none(name: string, found: number | readonly string[]): Figure {
  const count = typeof found === "number" ? found : found.length;
  const examples = typeof found === "number" ? [] : [...new Set(found)].slice(0, 3);
  const text = [String(count), ...examples].join("; ");
  return { name, wanted: "0", found: text, isGood: count === 0 };
}

/** A figure that has to be at most so much. */
export function atMost(name: string, found: number, max: number, unit: string): Figure {
  const shown = Number.isInteger(found) ? String(found) : found.toFixed(1);
  return {
    name,
    wanted: `at most ${max} ${unit}`,
    found: `${shown} ${unit}`,
    isGood: found <= max,
  };
}

/** A figure that has to be exactly so much. */
export function exactly(name: string, found: number, wanted: number): Figure {
  return { name, wanted: String(wanted), found: String(found), isGood: found === wanted };
}

/** A figure that only tells something. */
export function told(name: string, found: string): Figure {
  return { name, wanted: "", found, isGood: true };
}

/** The value below which a share of the numbers lies; 0 for none. */
export function percentile(numbers: readonly number[], share: number): number {
  const sorted = numbers.toSorted((one, other) => one - other);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0;
}
