/** What a promise comes to; rejects with the signal's reason where that aborts first. */
export function abortable<Value>(promise: Promise<Value>, signal: AbortSignal): Promise<Value> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason as Error);
    if (signal.aborted) {
      onAbort();
    } else {
      signal.addEventListener("abort", onAbort, { once: true });
    }
    promise
      .finally(() => signal.removeEventListener("abort", onAbort))
      .then(resolve, (error: unknown) => reject(error as Error));
  });
}

/** The same for a connection. One that comes after the signal has aborted is closed. */
export async function abortableConnection<Connection extends { close(how: "now"): void }>(
  connecting: Promise<Connection>,
  signal: AbortSignal,
): Promise<Connection> {
  try {
    return await abortable(connecting, signal);
  } catch (error) {
    void connecting.then(
      (connection) => connection.close("now"),
      () => undefined,
    );
    throw error;
  }
}
