import type { HeadTimes, PluginStatus } from "@servehttp/host-bridge";
import { percentileLooks } from "../limits.js";

/** How long requests waited for the head of their response, in milliseconds. */
export interface Percentiles {
  /** Half of them waited no longer. */
  readonly p50Ms: number;
  /** All but one in a hundred. */
  readonly p99Ms: number;
}

/** Percentiles of each plugin over the last looks at it. They are bounds: up to a fifth too high. */
export class HeadPercentiles {
  /** What was at the last looks, oldest first. */
  readonly #looks = new Map<string, (readonly number[])[]>();

  /** Looks at a plugin. Undefined at the first look, and where no head has come since the oldest. */
  look({ id, headTimes }: Pick<PluginStatus, "id" | "headTimes">): Percentiles | undefined {
    const looks = this.#looks.get(id) ?? [];
    const [oldest] = looks;
    looks.push(headTimes.counts);
    this.#looks.set(id, looks.slice(-percentileLooks));
    if (oldest === undefined) {
      return undefined;
    }
    // A plugin that was removed and added again counts from 0.
    const counts = headTimes.counts.map((count, at) => Math.max(0, count - (oldest[at] ?? 0)));
    return percentilesOf(headTimes, counts);
  }

  forget(id: string): void {
    this.#looks.delete(id);
  }
}

function percentilesOf(
  { boundsMs }: HeadTimes,
  counts: readonly number[],
): Percentiles | undefined {
  const all = counts.reduce((sum, count) => sum + count, 0);
  const boundOf = (share: number): number => {
    let seen = 0;
    const at = counts.findIndex((count) => (seen += count) >= share * all);
    return boundsMs[at] ?? Number.POSITIVE_INFINITY;
  };
  return all === 0 ? undefined : { p50Ms: boundOf(0.5), p99Ms: boundOf(0.99) };
}
