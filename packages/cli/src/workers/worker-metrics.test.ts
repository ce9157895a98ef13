import type { CollectedMetrics } from "@servehttp/admin/metrics";
import { afterEach, expect, it, vi } from "vitest";
import { workerMetricsMs } from "../limits.js";
import { WorkerMetrics } from "./worker-metrics.js";

afterEach(() => {
  vi.useRealTimers();
});

const none: CollectedMetrics = { metrics: [] };

it("waits no longer than a second for a worker that hangs, and takes what it said last", async () => {
  vi.useFakeTimers();
  const hanging = { metrics: none, ask: () => new Promise<undefined>(() => undefined) };
  const collected = new WorkerMetrics(() => [hanging]).collect();
  await vi.advanceTimersByTimeAsync(workerMetricsMs);
  expect(await collected).toEqual([none, none]);
});

it("asks once for all who ask at the same time", async () => {
  const ask = vi.fn<() => Promise<undefined>>(async () => undefined);
  const metrics = new WorkerMetrics(() => [{ metrics: none, ask }]);
  await Promise.all([metrics.collect(), metrics.collect()]);
  expect(ask).toHaveBeenCalledOnce();
  await metrics.collect();
  expect(ask).toHaveBeenCalledTimes(2);
});
