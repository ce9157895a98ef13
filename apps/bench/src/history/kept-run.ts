import type { BenchReport } from "../bench-report.js";
import { disturbancesOf, type Disturbance } from "../disturbances.js";
import { findFigures, nameOf } from "../wanted-figures.js";

/** What is kept of a run: a kilobyte or two, where the run itself has a hundred. */
export interface KeptRun {
  /** ISO 8601 */
  readonly date: string;
  /** The commit that was measured, with `-dirty` where files had changed since. */
  readonly commit: string;
  readonly cpu: string;
  readonly cores: number;
  readonly node: string;
  readonly rounds: number;
  readonly disturbances: readonly Disturbance[];
  /** The figures that the bridge is built to reach, by their names, to three digits. */
  readonly figures: Readonly<Record<string, number>>;
}

/** What is kept of that run. */
export function keptRunOf(report: BenchReport): KeptRun {
  const { date, commit, machine, options } = report;
  const found = findFigures(report).flatMap(({ wanted, found: value }) =>
    value === undefined ? [] : [[nameOf(wanted), Number(value.toPrecision(3))] as const],
  );
  return {
    date,
    commit,
    cpu: machine.cpu,
    cores: machine.cores,
    node: machine.node,
    rounds: options.rounds,
    disturbances: disturbancesOf(report),
    figures: Object.fromEntries(found),
  };
}

/** The name of the file that it is kept in: runs sort by their dates. */
export function fileNameOf({ date, commit }: KeptRun): string {
  return `${date.slice(0, 16).replace(":", "")}-${commit}.json`;
}
