import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { SeededRandom } from "@servehttp/testkit";
import { call, Http1Client, type HttpClient } from "servehttp-conformance/testing";
import { holdingsOf, leftOver } from "./leftovers.js";
import { faultCommand, faultPlugin, RunningHost } from "./running-host.js";
import {
  atMost,
  exactly,
  type Figure,
  none,
  percentile,
  type RunSettings,
  type Scenario,
  told,
} from "./scenario.js";
import { countOutcomes, type LoadResult, SteadyLoad } from "./steady-load.js";

const pluginCount = 10;
/** A plugin that fails five times within a minute is given up, so each is left alone for this long. */
const perPluginMs = 16_000;
/** So long after the signal, at most, the kernel still takes what is sent to the dead process. */
const noticedMs = 250;
const answerMsMax = 1_000;
const lookEveryMs = 5;

/** A plugin's process, killed. */
interface Kill {
  readonly plugin: string;
  readonly atMs: number;
  /** From the signal to the first whole 200 of another process. */
  readonly answerMs: number;
  /** Statuses before it; 0 for a broken transfer. */
  readonly before: readonly number[];
  /** How long the same program takes until it listens, started by hand a moment later. */
  readonly aloneMs: number;
}

export const kills: Scenario = {
  name: "kills",
  about: `SIGKILL of one of ${pluginCount} plugins after the other, under load (O1)`,
  counts: "kills",
  count: 100,
  async run({ count, seed, carrier, rate, progress }: RunSettings) {
    const random = new SeededRandom(seed);
    const ids = Array.from({ length: pluginCount }, (_, at) => `p${at}`);
    const plugins = Object.fromEntries(ids.map((id) => [id, faultPlugin("good", carrier)]));
    await using host = await RunningHost.spawn({ plugins });
    const before = holdingsOf(host);
    await host.tell({ name: "start" });
    const client = new Http1Client(host.http1Port);
    const load = new SteadyLoad(host, ids, random, rate);
    load.start();
    const done: Kill[] = [];
    for (let at = 0; at < count; at += 1) {
      const stepMs = (perPluginMs / pluginCount) * (1 + random.integer(0, 250) / 1_000);
      const next = delay(stepMs);
      done.push(await killOnce(host, client, ids[at % ids.length] ?? ""));
      progress(`${at + 1} of ${count} kills`);
      await next;
    }
    await load.stop();
    client[Symbol.dispose]();
    const statuses = await host.tell({ name: "plugins" });
    const figures = judge(done, load.results);
    await host.tell({ name: "stop" });
    const left = await leftOver(host, before);
    return [
      ...figures,
      exactly(
        "plugins ready at the end",
        statuses.filter(({ state }) => state === "ready").length,
        ids.length,
      ),
      exactly(
        "restarts, as the host counts them",
        statuses.reduce((sum, { restarts }) => sum + restarts, 0),
        count,
      ),
      none(
        "exchanges open at the end",
        statuses.reduce((sum, { inFlight, waiting }) => sum + inFlight + waiting, 0),
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

async function killOnce(host: RunningHost, client: HttpClient, plugin: string): Promise<Kill> {
  const statuses = await host.tell({ name: "plugins" });
  const pid = statuses.find(({ id }) => id === plugin)?.pid ?? 0;
  if (pid === 0) {
    throw new Error(`${plugin} has no process to kill`);
  }
  const atMs = performance.now();
  process.kill(pid, "SIGKILL");
  const before: number[] = [];
  for (;;) {
    const answer = await call(client, { path: `/plugins/${plugin}/pid` }).catch(() => undefined);
    if (answer?.status === 200 && Buffer.from(answer.body).toString() !== String(pid)) {
      const answerMs = performance.now() - atMs;
      return { plugin, atMs, answerMs, before, aloneMs: await startAlone(host) };
    }
    before.push(answer?.status ?? 0);
  }
}

/** The same program without a host, which is what the machine itself takes of the time. */
async function startAlone(host: RunningHost): Promise<number> {
  const path = join(host.directory, "alone.sock");
  const [file = "", ...args] = faultCommand("good");
  const beganMs = performance.now();
  const env = { ...process.env, SERVEHTTP_ADDRESS: `unix:${path}` };
  const child = spawn(file, args, { env, stdio: "ignore", detached: true });
  const exited = once(child, "exit");
  while (!existsSync(path) && child.exitCode === null) {
    await delay(lookEveryMs);
  }
  const tookMs = performance.now() - beganMs;
  child.kill("SIGKILL");
  await exited;
  await rm(path, { force: true });
  return tookMs;
}

function judge(done: readonly Kill[], results: readonly LoadResult[]): readonly Figure[] {
  const bad = results.filter(({ outcome }) => outcome !== "right");
  const lost = bad.filter((result) => done.some((kill) => isLostBy(result, kill)));
  const others = bad.filter((result) => !lost.includes(result));
  const answersMs = done.map(({ answerMs }) => answerMs);
  const retried = done.flatMap(({ before }) => before);
  return [
    told("requests of the load", `${results.length}: ${countOutcomes(results)}`),
    atMost("first 200 after a kill, the longest", Math.max(...answersMs), answerMsMax, "ms"),
    told("first 200 after a kill, median and p90", times(answersMs)),
    told(
      "the same program started by hand each time, until it listens: median and p90",
      times(done.map(({ aloneMs }) => aloneMs)),
    ),
    told(
      "what the host adds to that: median and p90",
      times(done.map(({ answerMs, aloneMs }) => answerMs - aloneMs)),
    ),
    none(
      "503 where a request should wait",
      retried.filter((status) => status === 503).length +
        bad.filter(({ outcome }) => outcome === "status 503").length,
    ),
    none("silent truncations", bad.filter(({ outcome }) => outcome === "truncated").length),
    none("wrong bytes", bad.filter(({ outcome }) => outcome === "wrong").length),
    none(
      "failures at neighbours, or without a kill",
      others.map(({ plugin, kind, outcome }) => `${kind} at ${plugin}: ${outcome}`),
    ),
    told("requests lost with a process, broken or 502", String(lost.length)),
  ];
}

/** Whether a request ran on the process when it was killed, or was sent to it before anybody could know. */
function isLostBy({ plugin, beganMs, endedMs, outcome }: LoadResult, kill: Kill): boolean {
  return (
    plugin === kill.plugin &&
    beganMs < kill.atMs + noticedMs &&
    endedMs > kill.atMs &&
    (outcome === "broken" || outcome === "status 502")
  );
}

function times(ms: readonly number[]): string {
  return `${percentile(ms, 0.5).toFixed(0)} ms, ${percentile(ms, 0.9).toFixed(0)} ms`;
}
