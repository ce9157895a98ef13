/** Returns what a function returns; undefined where it throws. */
export function quietly<R>(trace: () => R): R | undefined {
  try {
    return trace();
  } catch {
    // There is no place to tell of a tracer that fails, and nothing else may fail with it.
    return undefined;
  }
}
