import { setTimeout as delay } from "node:timers/promises";
import { SeededRandom } from "@servehttp/testkit";
import { call, Http1Client } from "servehttp-conformance/testing";
import { seededSha256, sha256 } from "../seeded-bytes.js";
import { HeldTally, holdEventStream } from "./held-clients.js";
import { holdingsOf, leftOver } from "./leftovers.js";
import { faultPlugin, RunningHost } from "./running-host.js";
import { atMost, exactly, none, type RunSettings, type Scenario, told } from "./scenario.js";
import { countOutcomes, SteadyLoad } from "./steady-load.js";

const descriptorsMax = 256;
const clientCount = 400;
const ids = ["p0", "p1", "p2"] as const;
/** How long the host is without descriptors, each time. */
const pressureMs = 10_000;
const recoveryMsMax = 60_000;
const lookEveryMs = 50;
/** libuv opens "/" once it has run out of descriptors, and keeps that one in reserve. */
const reserve = "/";

export const descriptors: Scenario = {
  name: "descriptors",
  about: `${clientCount} clients at a host with ${descriptorsMax} descriptors, and a plugin that is killed meanwhile (H4)`,
  counts: "rounds",
  count: 5,
  async run({ count, seed, carrier, progress }: RunSettings) {
    const random = new SeededRandom(seed);
    const plugins = Object.fromEntries(ids.map((id) => [id, faultPlugin("good", carrier)]));
    await using host = await RunningHost.spawn({ plugins }, { descriptorsMax });
    const before = holdingsOf(host);
    await host.tell({ name: "start" });
    const load = new SteadyLoad(host, ids, random, 20);
    const tally = new HeldTally();
    const recoveriesMs: number[] = [];
    const givenUp: string[] = [];
    const wrongAfter: string[] = [];
    let mostOpen = 0;
    load.start();
    for (let round = 1; round <= count; round += 1) {
      const killed = random.pick(ids);
      using crowd = new Http1Client(host.http1Port);
      const over = new AbortController();
      const held = Array.from({ length: clientCount }, (_, at) =>
        holdEventStream(crowd, ids[at % ids.length] ?? ids[0], tally, over.signal),
      );
      await delay(pressureMs / 2);
      mostOpen = Math.max(mostOpen, holdingsOf(host).descriptors.length);
      await killPlugin(host, killed);
      await delay(pressureMs / 2);
      const statuses = await host.tell({ name: "plugins" });
      givenUp.push(...statuses.filter(({ state }) => state === "failed").map(({ id }) => id));
      over.abort();
      await Promise.all(held);
      const leftMs = performance.now();
      await Promise.all(ids.map((id) => untilServed(host, id)));
      recoveriesMs.push(performance.now() - leftMs);
      wrongAfter.push(...(await askAll(host)));
      progress(`${round} of ${count} rounds`);
    }
    await load.stop();
    const statuses = await host.tell({ name: "plugins" });
    const reasons = statuses.flatMap(({ failures }) => failures.map(({ code }) => code));
    await host.tell({ name: "stop" });
    const left = await leftOver(host, { ...before, descriptors: [...before.descriptors, reserve] });
    const bad = ["truncated", "wrong", "stuck"];
    return [
      {
        name: "most descriptors that the host had open",
        wanted: `at least ${descriptorsMax - 8}`,
        found: String(mostOpen),
        isGood: mostOpen >= descriptorsMax - 8,
      },
      none("plugins given up", givenUp),
      atMost(
        "all plugins served again after the crowd left, the longest",
        Math.max(...recoveriesMs),
        recoveryMsMax,
        "ms",
      ),
      none("requests failed after that", wrongAfter),
      none(
        "requests truncated in silence, wrong or without an end, meanwhile",
        load.results.filter(({ outcome }) => bad.includes(outcome)).map(({ outcome }) => outcome),
      ),
      none("event streams wrong, or ended as if complete", tally.wrong),
      exactly(
        "plugins ready at the end",
        statuses.filter(({ state }) => state === "ready").length,
        ids.length,
      ),
      none("processes, descriptors, files left", [
        ...left.processes,
        ...left.descriptors,
        ...left.files,
      ]),
      told("requests meanwhile", countOutcomes(load.results)),
      told("event streams", `let in ${tally.opened} times, refused ${tally.refusals.length} times`),
      told("failures that the host lists", reasons.join(", ") || "none"),
    ];
  },
};

async function killPlugin(host: RunningHost, plugin: string): Promise<void> {
  const statuses = await host.tell({ name: "plugins" });
  const pid = statuses.find(({ id }) => id === plugin)?.pid;
  if (pid !== undefined) {
    process.kill(pid, "SIGKILL");
  }
}

/** Asks again and again, each time on a new connection, until a plugin answers. */
async function untilServed(host: RunningHost, plugin: string): Promise<void> {
  const deadlineMs = performance.now() + recoveryMsMax;
  while (performance.now() < deadlineMs) {
    using client = new Http1Client(host.http1Port);
    const answer = await call(client, { path: `/plugins/${plugin}/pid` }).catch(() => undefined);
    if (answer?.status === 200) {
      return;
    }
    await delay(lookEveryMs);
  }
}

const askedBytes = 10_000;
const askedTimes = 50;

/** Some requests to each plugin, one after the other: what went wrong. */
async function askAll(host: RunningHost): Promise<readonly string[]> {
  using client = new Http1Client(host.http1Port);
  const wrong: string[] = [];
  for (const id of ids) {
    for (let seed = 1; seed <= askedTimes; seed += 1) {
      const path = `/plugins/${id}/bytes?seed=${seed}&size=${askedBytes}`;
      const answer = await call(client, { path }).catch(() => undefined);
      if (answer?.status !== 200) {
        wrong.push(`status ${answer?.status ?? "none"}`);
      } else if (sha256(answer.body) !== seededSha256(String(seed), askedBytes)) {
        wrong.push("wrong bytes");
      }
    }
  }
  return wrong;
}
