/** Time, as a parameter, so that no test has to wait. */
export interface Clock {
  /** Milliseconds; never goes back. */
  nowMs(): number;
  /** Milliseconds since the Unix epoch, to show to people. */
  unixMs(): number;
  /** Calls back once after so many milliseconds, unless the signal aborts first. */
  after(delayMs: number, signal: AbortSignal, callback: () => void): void;
}

export const systemClock: Clock = {
  nowMs: () => performance.now(),
  unixMs: () => Date.now(),
  after(delayMs, signal, callback) {
    if (signal.aborted) {
      return;
    }
    const onAbort = () => clearTimeout(timer);
    const timer = setTimeout(() => {
      signal.removeEventListener("abort", onAbort);
      callback();
    }, delayMs);
    signal.addEventListener("abort", onAbort, { once: true });
  },
};
