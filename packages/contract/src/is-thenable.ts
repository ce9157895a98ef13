/**
 * Whether a value is a promise, of whatever make: functions of other people return anything. Throws
 * what a getter or a proxy throws that is asked for `then`.
 */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    typeof value === "object" &&
    value !== null &&
    "then" in value &&
    typeof value.then === "function"
  );
}
