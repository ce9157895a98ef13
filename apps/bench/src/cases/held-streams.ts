import { Child } from "../child.js";
import { rssBytes } from "../process-usage.js";
import { nodeCommand } from "../targets/node-command.js";
import type { RunningTarget } from "../targets/target.js";
import type { BenchCase } from "./bench-case.js";
import { measureFirstBytes } from "./first-byte.js";

export const heldStreams: readonly BenchCase[] = [1_000, 10_000].map((streams) => ({
  name: `held-${streams / 1_000}k`,
  title: `${streams.toLocaleString("en")} open event streams`,
  metrics: [
    { name: "host rss", unit: "KiB/stream", better: "less", shown: "value" },
    { name: "host heap", unit: "KiB/stream", better: "less" },
    { name: "new request p99", unit: "ms", better: "less", shown: "value" },
  ],
  // Memory that a process once had, it keeps.
  fresh: true,
  roundsMax: 2,
  async measure(target, { seconds }) {
    // What the first requests leave behind for good is not the streams'.
    await measureFirstBytes(target, "/small", 0.3);
    const before = await hostMemory(target);
    await using load = new Child("held streams", [
      ...nodeCommand("load-held-streams"),
      target.host,
      ...[target.port, `${target.prefix}/held`, streams].map(String),
    ]);
    const { opened, failure } = await load.json<{ opened: number; failure?: string }>();
    if (opened < streams) {
      // Whoever forwards a connection needs two descriptors for it.
      throw new Error(`held ${opened} of ${streams} (ulimit -n?): ${failure}`);
    }
    const meanwhile = await measureFirstBytes(target, "/small", seconds);
    const after = await hostMemory(target);
    return {
      "host rss": (after.rss - before.rss) / 1024 / streams,
      "host heap": (after.heap - before.heap) / 1024 / streams,
      "new request p99": meanwhile.p99Us / 1_000,
    };
  },
}));

/** Of the processes that hold the clients' connections. What is no Node process has no heap: NaN. */
async function hostMemory(target: RunningTarget): Promise<{ rss: number; heap: number }> {
  return (
    (await target.hostMemory?.()) ?? { rss: await rssBytes(target.hostPids), heap: Number.NaN }
  );
}
