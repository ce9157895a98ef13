/**
 * Calls an asynchronous function again and again while the page is in view; it returns the
 * milliseconds to wait until the next call. A call that fails is told to `onError`, and tried again
 * after a second.
 */
export async function repeat(call, onError) {
  for (;;) {
    let waitMs = 1000;
    try {
      waitMs = await call();
    } catch (thrown) {
      onError(thrown);
    }
    await new Promise((resolve) => setTimeout(resolve, waitMs));
    if (document.hidden) {
      await new Promise((resolve) =>
        document.addEventListener("visibilitychange", resolve, { once: true }),
      );
    }
  }
}
