import { Child } from "../child.js";
import { rssBytes, rssPeakBytes } from "../process-usage.js";
import { nodeCommand } from "../targets/node-command.js";
import { rawTcpRelay } from "../targets/raw-tcp-relay.js";
import type { RunningTarget } from "../targets/target.js";
import type { BenchCase } from "./bench-case.js";
import type { BulkResult } from "./bulk.js";

const warmUpBytes = 16 * 1024 * 1024;
const transferMsMax = 240_000;

/** One connection that the plugin took over, beside one that Node relays. */
export const tunnels: readonly BenchCase[] = [
  tunnel("up", "1 tunnel, client to plugin", { up: true, down: false }),
  tunnel("down", "1 tunnel, plugin to client", { up: false, down: true }),
  tunnel("both", "1 tunnel, both ways at once", { up: true, down: true }),
];

function tunnel(name: string, title: string, ways: { up: boolean; down: boolean }): BenchCase {
  return {
    name: `tunnel-${name}`,
    title,
    metrics: [
      { name: "throughput", unit: "MB/s", better: "more", shown: "value" },
      { name: "host memory", unit: "MiB more", better: "less", shown: "value" },
      { name: "plugin memory", unit: "MiB more", better: "less", shown: "value" },
    ],
    // The highest resident set of a process never falls.
    fresh: true,
    roundsMax: 3,
    targets: ["mux", "stream", rawTcpRelay.name],
    async measure(target, { bulkBytes }) {
      const move = (bytes: number) => moveBytes(target, ways.up ? bytes : 0, ways.down ? bytes : 0);
      await move(warmUpBytes);
      const { hostPids, pluginPids } = target;
      const [hostBefore, pluginBefore] = await Promise.all([hostPids, pluginPids].map(rssBytes));
      const { bytes, durationUs } = await move(bulkBytes);
      const [hostPeak, pluginPeak] = await Promise.all([hostPids, pluginPids].map(rssPeakBytes));
      return {
        throughput: bytes / durationUs,
        "host memory": mebibytes(hostBefore, hostPeak),
        "plugin memory": mebibytes(pluginBefore, pluginPeak),
      };
    },
  };
}

async function moveBytes(
  { host, port, prefix }: RunningTarget,
  upBytes: number,
  downBytes: number,
): Promise<BulkResult> {
  await using load = new Child("tunnel", [
    ...nodeCommand("load-tunnel"),
    ...[host, port, prefix, upBytes, downBytes].map(String),
  ]);
  return await load.json<BulkResult>(transferMsMax);
}

function mebibytes(beforeBytes = Number.NaN, peakBytes = Number.NaN): number {
  return (peakBytes - beforeBytes) / 1024 / 1024;
}
