import { closeSync, openSync } from "node:fs";
import { SeededRandom } from "@servehttp/testkit";
import { call, Http1Client } from "servehttp-conformance/testing";
import { seededSha256, sha256 } from "../seeded-bytes.js";
import { faultPlugin, RunningHost } from "./running-host.js";
import {
  type Figure,
  none,
  percentile,
  type RunSettings,
  type Scenario,
  told,
} from "./scenario.js";

/** What the host writes its log to. */
export const outputs = ["full disk", "closed pipe"] as const;
const clientCount = 10;
const bodyBytes = 10_000;

export const logOutputs: Scenario = {
  name: "log-outputs",
  about:
    "a full disk (/dev/full) and a closed pipe under the host's log, with plugins that print and throw (H3)",
  counts: "requests at each",
  count: 2_000,
  async run({ count, seed, carrier, progress }: RunSettings) {
    const figures: Figure[] = [];
    for (const output of outputs) {
      progress(output);
      figures.push(...(await askWith(output, count, seed, carrier)));
    }
    return figures;
  },
};

/** Asks a plugin that prints and throws, behind a host whose log goes there. */
export async function askWith(
  output: (typeof outputs)[number],
  count: number,
  seed: number,
  carrier: "mux" | "stream",
): Promise<readonly Figure[]> {
  await using host = await spawnOn(output, carrier);
  await host.tell({ name: "start" });
  const random = new SeededRandom(seed);
  const wrong: string[] = [];
  const tookMs: number[] = [];
  let left = count;
  const clients = Array.from({ length: clientCount }, async () => {
    using client = new Http1Client(host.http1Port);
    while (left > 0) {
      left -= 1;
      const asked = random.pick(["throw", "print", "bytes"] as const);
      const path = `/plugins/p0/${asked}?seed=${seed}&size=${bodyBytes}`;
      const beganMs = performance.now();
      const answer = await call(client, { path }).catch(() => undefined);
      tookMs.push(performance.now() - beganMs);
      const status = answer?.status ?? 0;
      const isRight =
        status === (asked === "throw" ? 500 : 200) &&
        (asked !== "bytes" ||
          sha256(answer?.body ?? "") === seededSha256(String(seed), bodyBytes)) &&
        (asked !== "print" || Buffer.from(answer?.body ?? []).toString() === "printed");
      if (!isRight) {
        wrong.push(`${asked}: status ${status}`);
      }
    }
  });
  await Promise.all(clients);
  const isAlive = host.isAlive;
  const statuses = isAlive ? await host.tell({ name: "plugins" }) : [];
  return [
    none(`${output}: answers of ${tookMs.length} that are not exactly the right ones`, wrong),
    none(`${output}: hosts that ended`, isAlive ? 0 : 1),
    none(
      `${output}: plugins restarted`,
      statuses.reduce((sum, { restarts }) => sum + restarts, 0),
    ),
    told(
      `${output}: an answer, median and longest`,
      `${percentile(tookMs, 0.5).toFixed(1)} ms, ${Math.max(...tookMs).toFixed(1)} ms`,
    ),
  ];
}

async function spawnOn(
  output: (typeof outputs)[number],
  carrier: "mux" | "stream",
): Promise<RunningHost> {
  const plugins = { p0: faultPlugin("good", carrier) };
  if (output === "closed pipe") {
    const host = await RunningHost.spawn({ plugins }, { outputs: ["pipe", "pipe"] });
    host.process.stdout?.destroy();
    host.process.stderr?.destroy();
    return host;
  }
  const full = openSync("/dev/full", "w");
  try {
    return await RunningHost.spawn({ plugins }, { outputs: [full, full] });
  } finally {
    closeSync(full);
  }
}
