import type { RunningTarget } from "./target.js";

/** A target on the loopback interface, which takes over what `stack` has to end. */
export function runningTarget(
  stack: AsyncDisposableStack,
  target: Omit<RunningTarget, "host" | typeof Symbol.asyncDispose>,
): RunningTarget {
  const running = stack.move();
  return {
    host: "127.0.0.1",
    ...target,
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}
