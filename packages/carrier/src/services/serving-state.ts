/**
 * Whether the plugin serves, as the health service tells it.
 *
 * serving -> closing [close]
 */
export class ServingState {
  #state: "serving" | "closing" = "serving";
  readonly #waiting = new Set<() => void>();

  get serving(): boolean {
    return this.#state === "serving";
  }

  /** How many watchers wait for a change. */
  get waitingCount(): number {
    return this.#waiting.size;
  }

  /** The plugin is closing. */
  close(): void {
    this.#state = "closing";
    for (const resolve of this.#waiting) {
      resolve();
    }
  }

  /** Resolves when the plugin closes or the signal aborts, and leaves no listener behind. */
  async whenClosing(signal: AbortSignal): Promise<void> {
    if (!this.serving || signal.aborted) {
      return;
    }
    const { promise, resolve } = Promise.withResolvers<void>();
    const onAbort = () => resolve();
    this.#waiting.add(resolve);
    signal.addEventListener("abort", onAbort, { once: true });
    await promise;
    this.#waiting.delete(resolve);
    signal.removeEventListener("abort", onAbort);
  }
}
