/**
 * npm run endurance -w @servehttp/interop -- [--minutes 30] [--seed 1] [--event-streams 1000] [--busy 8] [--sigkill-minutes 5]
 *
 * Plugins on real tonic and connect-go, on the stream carrier, behind a host with its default settings, under mixed traffic: small
 * requests, echoes compared by hash, slow responses, early answers, uploads that nobody reads, event streams, bursts of clients that
 * leave. Each plugin gets a SIGTERM every minute and now and then a SIGKILL, and other processes keep the machine busy. Prints what
 * became of the exchanges, and leaves with code 1 where the host killed a plugin, or a response was lost or wrong that did not run on a
 * process which got the SIGKILL.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import { buildGoPlugin } from "../go-peer.js";
import { buildTonicPlugin, reasonWithoutTonic } from "../tonic-peer.js";
import { startBusyProcesses } from "@servehttp/testkit";
import { printReport } from "./report.js";
import { RunningHost } from "./running-host.js";
import { Tally } from "./tally.js";
import { runTraffic } from "./traffic.js";

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "30" },
    seed: { type: "string", default: "1" },
    "event-streams": { type: "string", default: "1000" },
    busy: { type: "string", default: "8" },
    "sigkill-minutes": { type: "string", default: "5" },
  },
});
const runMs = Number(values.minutes) * 60_000;

const missing = await reasonWithoutTonic();
if (missing !== undefined) {
  console.error(
    `endurance: the plugin on tonic can't be built, install cargo and protoc: ${missing}`,
  );
  process.exit(1);
}

const directory = await mkdtemp(join(tmpdir(), "servehttp-endurance-"));
let good = false;
try {
  const connectGo = await buildGoPlugin("connect-go", directory);
  const host = await RunningHost.start({
    tonic: [await buildTonicPlugin()],
    "connect-go": [connectGo],
  });
  using _busy = startBusyProcesses(Number(values.busy));
  const tally = new Tally(host);
  const over = AbortSignal.any([AbortSignal.timeout(runMs), host.gone]);
  void signalPlugins(host, over);
  void printProgress(tally, over);
  await runTraffic({
    host,
    tally,
    seed: Number(values.seed),
    eventStreams: Number(values["event-streams"]),
    over,
  });
  good = printReport(host, tally);
  await host.stop();
} finally {
  await rm(directory, { recursive: true });
}
process.exit(good ? 0 : 1);

/** A plugin every half of a minute in turn, so that each is asked to end once a minute; and now and then one is killed. */
async function signalPlugins(host: RunningHost, over: AbortSignal): Promise<void> {
  // An odd number, so that each has its turn.
  const perSigkill = Math.round(Number(values["sigkill-minutes"])) * 2 + 1;
  for (let turn = 1; !over.aborted; turn++) {
    await delay(30_000, undefined, { signal: over }).catch(() => {});
    const plugin = host.plugins[turn % host.plugins.length];
    if (plugin !== undefined && !over.aborted) {
      host.signal(plugin, turn % perSigkill === 0 ? "SIGKILL" : "SIGTERM");
    }
  }
}

async function printProgress(tally: Tally, over: AbortSignal): Promise<void> {
  while (!over.aborted) {
    await delay(60_000, undefined, { signal: over }).catch(() => {});
    const counts = Array.from(tally.kinds, ([kind, { right, left, lost, wrong }]) =>
      lost + wrong > 0
        ? `${kind} ${right + left} (${lost} lost, ${wrong} wrong)`
        : `${kind} ${right + left}`,
    );
    console.log(`${Math.round(performance.now() / 60_000)} min: ${counts.join(", ")}`);
  }
}
