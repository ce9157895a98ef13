import { runLoad } from "../load/run-load.js";
import type { LoadOptions } from "../load/run-wrk.js";
import type { BenchCase } from "./bench-case.js";
import { measureCpu } from "./measure-cpu.js";
import { withOwnHandler } from "./own-handler.js";

export const smallGets: readonly BenchCase[] = [1, 64, 256].map((connections) =>
  requests(`get-${connections}`, `small GET, ${plural(connections)}`, {
    path: "/small",
    connections,
  }),
);

export const jsonEchoes: readonly BenchCase[] = [1, 64].map((kibibytes) =>
  requests(`echo-${kibibytes}k`, `${kibibytes} KiB JSON POST echo, 64 connections`, {
    path: "/echo",
    connections: 64,
    postBytes: kibibytes * 1024,
  }),
);

/**
 * Fewer than this are counted in a metric of their own. Go's ReverseProxy breaks one 64 KiB echo in
 * some tens of thousands ("read error during body copy: use of closed network connection"); why was
 * not found out.
 */
const failedShareMax = 0.001;

/** One request after the other on every connection. */
export function requests(
  name: string,
  title: string,
  load: Omit<LoadOptions, "seconds">,
): BenchCase {
  const alone = load.connections === 1;
  return {
    name,
    title,
    metrics: [
      { name: "requests", unit: "requests/s", better: "more", shown: "ratio to direct" },
      {
        name: "p50",
        unit: "µs",
        better: "less",
        // With many connections it is the inverse of the throughput.
        ...(alone ? { shown: "ratio to direct" as const } : {}),
      },
      { name: "p99", unit: "µs", better: "less" },
      { name: "failed", unit: "requests", better: "less" },
      { name: "host cpu", unit: "µs/request", better: "less", shown: "value" },
      { name: "plugin cpu", unit: "µs/request", better: "less", shown: "value" },
    ],
    async measure(target, { seconds }) {
      const { result, hostUs, pluginUs } = await measureCpu(target, () =>
        runLoad(target, { ...load, seconds }),
      );
      const failed = result.broken + result.refused;
      if (result.requests === 0 || failed > result.requests * failedShareMax) {
        throw new Error(`${failed} of ${result.requests} requests failed`);
      }
      return {
        requests: (result.requests * 1e6) / result.durationUs,
        p50: result.p50Us,
        p99: result.p99Us,
        failed,
        "host cpu": target.hostPids.length === 0 ? Number.NaN : hostUs / result.requests,
        "plugin cpu": pluginUs / result.requests,
      };
    },
  };
}

/** The same of targets whose handler is not that of direct: figures, and no ratios to it. */
export function requestsOfOwnHandler(
  targets: readonly string[],
  ...of: Parameters<typeof requests>
): BenchCase {
  return withOwnHandler(targets, requests(...of));
}

function plural(connections: number): string {
  return connections === 1 ? "1 connection" : `${connections} connections`;
}
