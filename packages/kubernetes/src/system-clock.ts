import type { Clock } from "./slices/watch-slices.js";

export const systemClock: Clock = {
  nowMs: () => performance.now(),
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
