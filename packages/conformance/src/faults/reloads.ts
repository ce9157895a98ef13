import { setTimeout as delay } from "node:timers/promises";
import { SeededRandom } from "@servehttp/testkit";
import { Http1Client, Http2Client } from "servehttp-conformance/testing";
import { HeldTally, holdEventStream, holdWebSocket } from "./held-clients.js";
import { holdingsOf, leftOver } from "./leftovers.js";
import { faultPlugin, RunningHost } from "./running-host.js";
import { exactly, none, percentile, type RunSettings, type Scenario, told } from "./scenario.js";
import { countOutcomes, SteadyLoad } from "./steady-load.js";

/** One with event streams, one with those and WebSockets, one with WebSockets. */
const ids = ["events", "both", "sockets"] as const;
const eachCount = 20;
/**
 * How long what runs may go on. Event streams use it up, since they never end by themselves; a plugin with WebSockets
 * alone ends when they have closed.
 */
const drainMs: Readonly<Record<(typeof ids)[number], number>> = {
  events: 3_000,
  both: 3_000,
  sockets: 10_000,
};

export const reloads: Scenario = {
  name: "reloads",
  about: `reloads of 3 plugins in turn, under load, each with ${eachCount} event streams or WebSockets open (O2, L5)`,
  counts: "reloads",
  count: 100,
  async run({ count, seed, carrier, rate, progress }: RunSettings) {
    const random = new SeededRandom(seed);
    const options = faultPlugin("good", carrier);
    const plugins = Object.fromEntries(
      ids.map((id) => [id, { ...options, timeouts: { drainMs: drainMs[id] } }]),
    );
    await using host = await RunningHost.spawn({ plugins });
    const before = holdingsOf(host);
    await host.tell({ name: "start" });
    const clients = [new Http1Client(host.http1Port), new Http2Client(host.http2Port)] as const;
    const over = new AbortController();
    const streams = new HeldTally();
    const sockets = { both: new HeldTally(), sockets: new HeldTally() };
    const held: Promise<void>[] = [];
    for (let at = 0; at < eachCount; at += 1) {
      const client = clients[at % 2 === 0 ? 0 : 1];
      held.push(
        holdEventStream(client, "events", streams, over.signal),
        holdEventStream(client, "both", streams, over.signal),
        holdWebSocket(host.http1Port, "both", sockets.both, over.signal),
        holdWebSocket(host.http1Port, "sockets", sockets.sockets, over.signal),
      );
    }
    const load = new SteadyLoad(host, ids, random, rate);
    load.start();
    const tookMs: number[] = [];
    const failed: string[] = [];
    for (let at = 0; at < count; at += 1) {
      await delay(random.integer(0, 500));
      const beganMs = performance.now();
      await host
        .tell({ name: "reload", id: ids[at % ids.length] ?? ids[0] })
        .catch((error: Error) => {
          failed.push(error.message);
        });
      tookMs.push(performance.now() - beganMs);
      progress(`${at + 1} of ${count} reloads`);
    }
    await load.stop();
    over.abort();
    await Promise.all(held);
    for (const client of clients) {
      client[Symbol.dispose]();
    }
    const statuses = await host.tell({ name: "plugins" });
    await host.tell({ name: "stop" });
    const left = await leftOver(host, before);
    const bad = load.results.filter(({ outcome }) => outcome !== "right");
    const all = [streams, sockets.both, sockets.sockets];
    const notTold = [...sockets.sockets.endings].filter(([how]) => how !== "close code 1012");
    return [
      told("requests of the load", `${load.results.length}: ${countOutcomes(load.results)}`),
      none(
        "requests failed",
        bad.map(({ plugin, kind, outcome }) => `${kind} at ${plugin}: ${outcome}`),
      ),
      none("reloads failed", failed),
      none(
        "event streams and WebSockets refused",
        all.flatMap(({ refusals }) => refusals),
      ),
      none(
        "event streams and WebSockets wrong, or ended as if complete",
        all.flatMap(({ wrong }) => wrong),
      ),
      none(
        "WebSockets alone on their plugin, closed without code 1012",
        notTold.map(([how]) => how),
      ),
      told(
        "event streams, in all",
        `opened ${streams.opened} times, ${streams.received} events; ${streams.endingsText}`,
      ),
      told(
        "WebSockets beside event streams",
        `opened ${sockets.both.opened} times, ${sockets.both.received} messages; ${sockets.both.endingsText}`,
      ),
      told(
        "WebSockets alone",
        `opened ${sockets.sockets.opened} times, ${sockets.sockets.received} messages; ${sockets.sockets.endingsText}`,
      ),
      told(
        "a reload, median and longest",
        `${percentile(tookMs, 0.5).toFixed(0)} ms, ${Math.max(...tookMs).toFixed(0)} ms`,
      ),
      exactly(
        "plugins ready at the end",
        statuses.filter(({ state }) => state === "ready").length,
        ids.length,
      ),
      none(
        "failures that the host lists",
        statuses.flatMap(({ failures }) => failures.map(({ message }) => message)),
      ),
      none("processes, descriptors, files left", [
        ...left.processes,
        ...left.descriptors,
        ...left.files,
      ]),
      told("requests that were due and not sent", String(load.leftOut)),
    ];
  },
};
