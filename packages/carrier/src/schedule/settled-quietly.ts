/** A promise whose rejection counts as handled, whether somebody still waits for it or not. */
export function settledQuietly(): PromiseWithResolvers<void> {
  const deferred = Promise.withResolvers<void>();
  deferred.promise.catch(() => undefined);
  return deferred;
}
