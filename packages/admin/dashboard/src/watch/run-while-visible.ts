/**
 * Runs something while the page is to be seen, and again each time that it is. Browsers open six
 * connections to a host over HTTP/1.1, in all tabs together: those of tabs in the background would keep
 * the one in front waiting for ever.
 *
 * @param run ends when its signal aborts
 */
export async function runWhileVisible(
  run: (until: AbortSignal) => Promise<void>,
  until: AbortSignal,
): Promise<void> {
  while (!until.aborted) {
    if (document.hidden) {
      await change(until);
    } else {
      const hidden = new AbortController();
      void change(until).then(() => hidden.abort());
      await run(hidden.signal);
    }
  }
}

/** Resolves when the page is shown or hidden, or when the signal aborts. */
function change(until: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const ended = new AbortController();
    const end = () => {
      ended.abort();
      resolve();
    };
    document.addEventListener("visibilitychange", end, { signal: ended.signal });
    until.addEventListener("abort", end, { signal: ended.signal });
  });
}
