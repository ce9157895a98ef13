import type { CollectedMetrics } from "@servehttp/admin/metrics";
import { workerMetricsMs } from "../limits.js";
import type { WorkerProcess } from "./worker-process.js";

type MeasuredWorker = Pick<WorkerProcess, "ask" | "metrics">;

/** What the workers have measured, and what those have that ended. */
export class WorkerMetrics {
  readonly #present: () => readonly MeasuredWorker[];
  /** Of those that ended: what they counted stays, so that totals never fall. */
  #ended: CollectedMetrics[] = [];
  /** There while workers are asked: whoever asks meanwhile gets the same. */
  #asking: Promise<readonly CollectedMetrics[]> | undefined;

  constructor(present: () => readonly MeasuredWorker[]) {
    this.#present = present;
  }

  /** Asks all workers. Of one that does not answer in time, what it said last counts. */
  collect(): Promise<readonly CollectedMetrics[]> {
    this.#asking ??= this.#collect().finally(() => (this.#asking = undefined));
    return this.#asking;
  }

  /** A worker is gone. */
  keep({ metrics }: MeasuredWorker): void {
    this.#ended.push(metrics);
  }

  async #collect(): Promise<readonly CollectedMetrics[]> {
    const late = Promise.withResolvers<void>();
    const timer = setTimeout(late.resolve, workerMetricsMs);
    const answers = this.#present().map((worker) =>
      worker.ask({ command: "collect-metrics" }, "metrics"),
    );
    await Promise.race([Promise.all(answers), late.promise]);
    clearTimeout(timer);
    // Not at the top: the SDK takes as long to load as the rest of a host. Here it is loaded.
    const { countedMetrics, sumOfMetrics } = await import("@servehttp/admin/metrics");
    this.#ended = [sumOfMetrics(this.#ended.map(countedMetrics))];
    return [...this.#ended, ...this.#present().map(({ metrics }) => metrics)];
  }
}
