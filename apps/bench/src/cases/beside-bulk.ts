import { runLoad } from "../load/run-load.js";
import type { BenchCase } from "./bench-case.js";
import { type BulkResult, startBulk } from "./bulk.js";

const bulkConnections = 8;
const transferBytes = 16 * 1024 * 1024;

/** What four uploads and four downloads that never stop do to small requests. */
export const besideBulk: BenchCase = {
  name: "beside-bulk",
  title: `small GETs on 8 connections beside ${bulkConnections} bulk transfers`,
  metrics: [
    { name: "p99 idle", unit: "µs", better: "less" },
    { name: "p99 busy", unit: "µs", better: "less", shown: "value" },
    { name: "busy / idle", unit: "times", better: "less", shown: "value" },
    { name: "bulk throughput", unit: "MB/s", better: "more" },
  ],
  async measure(target, { seconds }) {
    const load = { path: "/small", connections: 8, seconds };
    const idle = await runLoad(target, load);
    await using bulk = startBulk(target, "both", {
      connections: bulkConnections,
      bytes: transferBytes,
      mode: "endless",
    });
    await bulk.line();
    const busy = await runLoad(target, load);
    bulk.closeInput();
    const { bytes, durationUs } = await bulk.json<BulkResult>();
    if (busy.broken + busy.refused > 0 || busy.requests === 0) {
      throw new Error(`${busy.broken + busy.refused} of ${busy.requests} requests failed`);
    }
    return {
      "p99 idle": idle.p99Us,
      "p99 busy": busy.p99Us,
      "busy / idle": busy.p99Us / idle.p99Us,
      "bulk throughput": bytes / durationUs,
    };
  },
};
