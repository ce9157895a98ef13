import { cpuUs } from "../process-usage.js";
import type { RunningTarget } from "../targets/target.js";

/** What some work took from the processor. */
export interface MeasuredCpu<Result> {
  readonly result: Result;
  /** Microseconds of processor time, user and system. 0 where there is no host. */
  readonly hostUs: number;
  readonly pluginUs: number;
}

/** Does work and says how much processor time host and plugin took for it. */
export async function measureCpu<Result>(
  { hostPids, pluginPids }: RunningTarget,
  work: () => Promise<Result>,
): Promise<MeasuredCpu<Result>> {
  const [hostBefore, pluginBefore] = await Promise.all([cpuUs(hostPids), cpuUs(pluginPids)]);
  const result = await work();
  const [hostAfter, pluginAfter] = await Promise.all([cpuUs(hostPids), cpuUs(pluginPids)]);
  return { result, hostUs: hostAfter - hostBefore, pluginUs: pluginAfter - pluginBefore };
}
