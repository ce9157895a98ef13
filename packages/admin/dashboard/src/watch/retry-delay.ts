/** How long the page waits before it asks again a host that did not answer, in milliseconds. */
const delaysMs = [500, 1_000, 2_000, 4_000, 8_000] as const;

/** By the number of tries that failed in a row. */
export function retryDelayMs(failures: number): number {
  return delaysMs[Math.min(failures, delaysMs.length) - 1] ?? 0;
}

/** Waits; it ends early with the signal. */
export function pause(ms: number, until: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      until.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    until.addEventListener("abort", end);
  });
}
