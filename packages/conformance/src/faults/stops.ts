import { setTimeout as delay } from "node:timers/promises";
import { SeededRandom } from "@servehttp/testkit";
import { holdingsOf, leftOver } from "./leftovers.js";
import { faultPlugin, RunningHost } from "./running-host.js";
import { exactly, none, percentile, type RunSettings, type Scenario, told } from "./scenario.js";

export const stops: Scenario = {
  name: "stops",
  about:
    "host.stop() at a random moment of host.start(), with good, broken and silent plugins (H4, O6)",
  counts: "stops",
  count: 60,
  async run({ count, seed, carrier, progress }: RunSettings) {
    const random = new SeededRandom(seed);
    await using host = await RunningHost.spawn({
      plugins: {
        first: faultPlugin("good", carrier),
        second: faultPlugin("good", carrier),
        exits: faultPlugin("exits", carrier),
        silent: faultPlugin("never ready", carrier),
        third: faultPlugin("good", carrier),
      },
      timeouts: { drainMs: 500, startMs: 3_000 },
    });
    // Whatever a host keeps once it has started something, it may keep.
    const wholeMs = await startWhole(host);
    const before = holdingsOf(host);
    const left = { processes: [] as string[], descriptors: [] as string[], files: [] as string[] };
    const notStopped: string[] = [];
    const stopMs: number[] = [];
    for (let at = 0; at < count; at += 1) {
      // As many moments in the first tenth of a start, where most happens, as in the rest.
      const within = random.integer(0, 1) === 0 ? wholeMs / 10 : wholeMs;
      stopMs.push(await stopWithin(host, random.integer(0, Math.round(within))));
      const statuses = await host.tell({ name: "plugins" });
      notStopped.push(...statuses.filter(({ state }) => state !== "stopped").map(({ id }) => id));
      const found = await leftOver(host, before);
      left.processes.push(...found.processes);
      left.descriptors.push(...found.descriptors);
      left.files.push(...found.files);
      progress(`${at + 1} of ${count} stops`);
    }
    const started = await host.tell({ name: "start" });
    const ready = started.filter(({ state }) => state === "ready");
    return [
      none("processes left", left.processes),
      none("descriptors left", left.descriptors),
      none("files left", left.files),
      none("plugins not stopped", notStopped),
      exactly("plugins ready after one more start, of the good ones", ready.length, 3),
      told("a start, whole", `${wholeMs.toFixed(0)} ms`),
      told(
        "from stop() until it resolved, median and longest",
        `${percentile(stopMs, 0.5).toFixed(0)} ms, ${Math.max(...stopMs).toFixed(0)} ms`,
      ),
    ];
  },
};

/** Starts everything and stops it. Resolves with the milliseconds of the start. */
async function startWhole(host: RunningHost): Promise<number> {
  const beganMs = performance.now();
  await host.tell({ name: "start" });
  const tookMs = performance.now() - beganMs;
  await host.tell({ name: "stop" });
  return tookMs;
}

/** Starts everything, and stops it so much later. Resolves with the milliseconds of the stop. */
async function stopWithin(host: RunningHost, afterMs: number): Promise<number> {
  const starting = host.tell({ name: "start" });
  if (afterMs > 0) {
    await delay(afterMs);
  }
  const beganMs = performance.now();
  await host.tell({ name: "stop" });
  const tookMs = performance.now() - beganMs;
  await starting;
  return tookMs;
}
