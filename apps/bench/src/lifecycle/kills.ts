import { setTimeout as delay } from "node:timers/promises";

import { LifecycleHost } from "./lifecycle-host.js";
import { LifecycleLoad } from "./lifecycle-load.js";
import type { LifecycleResult } from "./lifecycle-result.js";

const pluginCount = 3;
/** Between two kills; each plugin is killed a third as often, less than five times a minute. */
const betweenMs = 4_500;
const perSecond = 300;
const answerMsMax = 1_000;

/** Kills plugins under load: requests wait for the successor, and nothing that is cut looks whole. */
export async function kills(count: number, seed: number): Promise<LifecycleResult> {
  await using host = await LifecycleHost.listen(pluginCount);
  await host.host.start();
  const firstMs: number[] = [];
  const load = new LifecycleLoad(host.port, host.ids, perSecond, seed);
  {
    await using _ = load;
    for (let kill = 0; kill < count; kill += 1) {
      const id = host.ids[kill % pluginCount] ?? "";
      process.kill(host.pidOf(id), "SIGKILL");
      const sinceMs = performance.now();
      while ((await load.ask(id, 1_000, kill + 1)) !== "whole") {
        await delay(1);
      }
      firstMs.push(performance.now() - sinceMs);
      await delay(Math.max(0, betweenMs - (performance.now() - sinceMs)));
    }
  }
  const slowest = Math.round(Math.max(...firstMs));
  const { whole, lost, broken, refused, failed, wrong } = load.counts;
  const left = host.host.plugins.reduce((sum, { inFlight }) => sum + inFlight, 0);
  return {
    isRight: wrong + refused + failed + left === 0 && slowest <= answerMsMax,
    text: `${count} kills at ${perSecond} requests/s: the first 200 at most ${slowest} ms behind a kill; ${whole} whole, ${lost + broken} cut off with their plugin, ${refused} refused, ${failed} failed, ${wrong} wrong, ${left} left open`,
  };
}
