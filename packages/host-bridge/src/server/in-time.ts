/**
 * Settles as a promise does, or rejects when the promise takes longer than a time.
 *
 * @param what the subject of the error's message: "identity"
 * @throws Error `… did not settle within … ms`
 */
export function inTime<T>(promise: Promise<T>, ms: number, what: string): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      reject(new Error(`${what} did not settle within ${ms} ms`));
    }, ms);
    // A request that waits keeps its connection, and with it the process.
    timer.unref();
    promise.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}
