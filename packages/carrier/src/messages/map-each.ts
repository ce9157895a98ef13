/**
 * Maps what an iterable gives, and what it throws. Ends the iterable when it is ended itself, also
 * while it waits, which a generator can't.
 */
export function mapEach<From, To>(
  iterable: AsyncIterable<From>,
  map: (value: From) => To,
  mapError: (thrown: unknown) => unknown = itself,
): AsyncIterableIterator<To> {
  const iterator = iterable[Symbol.asyncIterator]();
  const end = async (): Promise<IteratorReturnResult<undefined>> => {
    await iterator.return?.();
    return { done: true, value: undefined };
  };
  const mapped: AsyncIterableIterator<To> = {
    async next() {
      try {
        const result = await iterator.next();
        return result.done === true
          ? { done: true, value: undefined }
          : { done: false, value: map(result.value) };
      } catch (error) {
        throw mapError(error);
      }
    },
    return: () => end(),
    throw: () => end(),
    [Symbol.asyncIterator]: () => mapped,
  };
  return mapped;
}

function itself(thrown: unknown): unknown {
  return thrown;
}
