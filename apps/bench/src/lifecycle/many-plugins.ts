import { spawn } from "node:child_process";
import { availableParallelism } from "node:os";

import { LifecycleHost } from "./lifecycle-host.js";
import type { LifecycleResult } from "./lifecycle-result.js";

/** Processor time that each plugin needs before it listens, beside what Node needs. */
const workMs = "300";

/** Starts many plugins at once while every processor is busy: all become ready, none is killed. */
export async function manyPlugins(count: number): Promise<LifecycleResult> {
  const busy = Array.from({ length: availableParallelism() }, () =>
    spawn(process.execPath, ["-e", "for (;;) {}"], { stdio: "ignore" }),
  );
  try {
    await using host = await LifecycleHost.listen(count, {}, { LIFECYCLE_WORK_MS: workMs });
    const sinceMs = performance.now();
    await host.host.start();
    const seconds = Math.round((performance.now() - sinceMs) / 1_000);
    const ready = host.host.plugins.filter(({ state }) => state === "ready").length;
    const failures = host.host.plugins.reduce((sum, plugin) => sum + plugin.failures.length, 0);
    return {
      isRight: ready === count && failures === 0,
      text: `${count} plugins at once beside ${busy.length} busy processes: ${ready} ready after ${seconds} s, ${failures} failures`,
    };
  } finally {
    for (const process of busy) {
      process.kill("SIGKILL");
    }
  }
}
