/** Whether a handler's result is to be waited for: a promise of any make. JavaScript's handlers return anything. */
export function isThenable(result: unknown): result is PromiseLike<unknown> {
  return (
    typeof result === "object" &&
    result !== null &&
    "then" in result &&
    typeof result.then === "function"
  );
}
