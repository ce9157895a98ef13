import { Child } from "../child.js";
import { nodeCommand } from "../targets/node-command.js";
import type { RunningTarget } from "../targets/target.js";
import type { BenchCase } from "./bench-case.js";
import { measureCpu } from "./measure-cpu.js";
import { withOwnHandler } from "./own-handler.js";

/** What the bulk generator moved. */
export interface BulkResult {
  readonly bytes: number;
  readonly durationUs: number;
}

/** A naive RPC takes a minute for a GiB. */
const transferMsMax = 240_000;

export const bulkUp = bulk("up", "bulk upload, 1 connection");
export const bulkDown = bulk("down", "bulk download, 1 connection");

/** Starts the bulk generator. It prints a BulkResult at the end. */
export function startBulk(
  target: RunningTarget,
  direction: "up" | "down" | "both",
  { connections, bytes, mode }: BulkOptions,
): Child {
  return new Child(`bulk ${direction}`, [
    ...nodeCommand("load-bulk"),
    target.host,
    String(target.port),
    target.prefix,
    direction,
    String(connections),
    String(bytes),
    mode,
  ]);
}

export interface BulkOptions {
  readonly connections: number;
  /** The size of one transfer, in bytes. */
  readonly bytes: number;
  readonly mode: "once" | "endless";
}

/** The same of targets whose handler is not that of direct: figures, and no ratios to it. */
export function bulkOfOwnHandler(
  targets: readonly string[],
  name: string,
  ...of: Parameters<typeof bulk>
): BenchCase {
  return withOwnHandler(targets, { ...bulk(...of), name });
}

function bulk(direction: "up" | "down", title: string): BenchCase {
  return {
    name: direction,
    title,
    metrics: [
      { name: "throughput", unit: "MB/s", better: "more", shown: "ratio to direct" },
      { name: "host cpu", unit: "µs/MB", better: "less" },
      { name: "plugin cpu", unit: "µs/MB", better: "less" },
    ],
    roundsMax: 3,
    async measure(target, { bulkBytes }) {
      const { result, hostUs, pluginUs } = await measureCpu(target, async () => {
        await using load = startBulk(target, direction, {
          connections: 1,
          bytes: bulkBytes,
          mode: "once",
        });
        return await load.json<BulkResult>(transferMsMax);
      });
      const megabytes = result.bytes / 1e6;
      return {
        throughput: (megabytes * 1e6) / result.durationUs,
        "host cpu": target.hostPids.length === 0 ? Number.NaN : hostUs / megabytes,
        "plugin cpu": pluginUs / megabytes,
      };
    },
  };
}
