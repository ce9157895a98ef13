import { setTimeout as delay } from "node:timers/promises";

/**
 * Waits until a count has stopped growing, as back-pressure makes it do. It has stopped when ten
 * looks, 20 ms apart, show the same.
 */
export async function settled(count: () => number): Promise<number> {
  const looks = 10;
  const lookEveryMs = 20;
  let last = count();
  for (let same = 0; same < looks; same += 1) {
    await delay(lookEveryMs);
    const now = count();
    if (now !== last) {
      same = 0;
      last = now;
    }
  }
  return last;
}

/** Waits until a condition holds, looking every 10 ms. The test's own timeout bounds it. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  const lookEveryMs = 10;
  while (!(await condition())) {
    await delay(lookEveryMs);
  }
}
