/**
 * Whether a handler's result is a promise, of whatever implementation. Handlers in JavaScript
 * return anything.
 */
export function isThenable(result: unknown): result is PromiseLike<unknown> {
  return (
    typeof result === "object" &&
    result !== null &&
    "then" in result &&
    typeof result.then === "function"
  );
}
