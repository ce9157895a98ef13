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
  // A process keeps memory that it once had.
  fresh: true,
  roundsMax: 2,
  async measure(target, { seconds }) {
    // The first requests leave something behind for good, which is not to count for the streams.
    await measureFirstBytes(target, "/small", 0.3);
    const before = await hostMemory(target);
    await using load = new Child("held streams", [
      ...nodeCommand("load-held-streams"),
      target.host,
      ...[target.port, `${target.prefix}/held`, streams].map(String),
    ]);
    const { opened, failure } = await load.json<{ opened: number; failure?: string }>();
    if (opened < streams) {
      // A proxy needs two descriptors for each connection.
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

/**
 * Memory of the processes that hold the clients' connections. The heap is NaN where they are not
 * Node.
 */
async function hostMemory(target: RunningTarget): Promise<{ rss: number; heap: number }> {
  return (
    (await target.hostMemory?.()) ?? { rss: await rssBytes(target.hostPids), heap: Number.NaN }
  );
}
