import { expect } from "vitest";
import type { ProcessReport } from "../observation/process-report.js";
import { until } from "../settled.js";
import type { Target } from "../targets/target.js";

/** The two processes of a target. */
export type Processes = Pick<Target, "front" | "plugin">;

/** By how much a heap may grow over thousands of exchanges. A few exchanges that leak hold more. */
const heapBytesMax = 3 * 1_048_576;

/** Reports once no handler runs. */
export async function atRest(target: Processes): Promise<readonly ProcessReport[]> {
  await until(async () => (await reports(target)).every((report) => report.running === 0));
  return reports(target);
}

/** Waits until both processes hold no more than before. The test's timeout bounds it. */
export async function expectNoMoreThan(
  target: Processes,
  before: readonly ProcessReport[],
): Promise<void> {
  let after: readonly ProcessReport[] = [];
  // One look is enough: every few seconds the host's health check has a stream open.
  await until(async () => {
    after = await reports(target);
    return after.every((report, at) => report.running === 0 && holdsNoMoreThan(report, before[at]));
  });
  for (const [at, report] of after.entries()) {
    const earlier = before[at];
    expect(report.unhandled).toEqual([]);
    expect(report.http2Streams).toBeLessThanOrEqual(earlier?.http2Streams ?? 0);
    expect(report.processListeners).toBe(earlier?.processListeners);
    expect(report.heapBytes - (earlier?.heapBytes ?? 0)).toBeLessThan(heapBytesMax);
  }
}

/** What both processes hold now. */
export async function reports(target: Processes): Promise<readonly ProcessReport[]> {
  const processes = await Promise.all([target.front(), target.plugin()]);
  return Promise.all(processes.map((one) => one.report()));
}

function holdsNoMoreThan(after: ProcessReport, before: ProcessReport | undefined): boolean {
  if (before === undefined) {
    return false;
  }
  const kinds = Object.keys(after.resources);
  return (
    after.http2Streams <= before.http2Streams &&
    kinds.every((kind) => (after.resources[kind] ?? 0) <= (before.resources[kind] ?? 0))
  );
}
