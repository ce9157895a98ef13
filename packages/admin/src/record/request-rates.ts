import type { PluginStatus } from "@servehttp/host-bridge";

/** Requests that ended in a second, of each plugin, from one look to the next. */
export class RequestRates {
  readonly #before = new Map<string, { readonly count: number; readonly atMs: number }>();

  /** Looks at a plugin. Undefined at the first look. */
  look({ id, outcomes }: Pick<PluginStatus, "id" | "outcomes">, atMs: number): number | undefined {
    const count = Object.values(outcomes).reduce((sum, one) => sum + one, 0);
    const before = this.#before.get(id);
    this.#before.set(id, { count, atMs });
    if (before === undefined || atMs <= before.atMs) {
      return undefined;
    }
    // A plugin that was removed and added again counts from 0.
    return (Math.max(0, count - before.count) * 1_000) / (atMs - before.atMs);
  }

  forget(id: string): void {
    this.#before.delete(id);
  }
}
