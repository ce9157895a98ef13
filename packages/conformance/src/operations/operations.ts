import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, openSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath, pathToFileURL } from "node:url";
import { parseArgs, promisify } from "node:util";
import { TemporaryDirectory } from "@servehttp/testkit";
import { descendants, descriptors, isAlive } from "./process-facts.js";
import { type LoadResult, SteadyLoad } from "./steady-load.js";

/**
 * Reloads the config of the `servehttp` command, changes a plugin's file and upgrades the command,
 * again and again under load, and says how many requests failed and what was left behind.
 */

const { values: options } = parseArgs({
  options: {
    reloads: { type: "string", default: "100" },
    changes: { type: "string", default: "100" },
    upgrades: { type: "string", default: "20" },
    rate: { type: "string", default: "300" },
  },
});
const perSecond = Number(options.rate);

const bin = fileURLToPath(new URL("../../../cli/dist/bin.js", import.meta.url));
const sdk = pathToFileURL(createRequire(import.meta.url).resolve("@servehttp/plugin-sdk")).href;
const run = promisify(execFile);

/** A plugin that answers its process and its version. */
const program = (version: string) => `
import { servePlugin } from ${JSON.stringify(sdk)};
await servePlugin({
  async serveHTTP(request, response) {
    await response.end(process.pid + " " + ${version});
  },
});
`;

await using directory = await TemporaryDirectory.make();
const XDG_RUNTIME_DIR = directory.path;
const environment = { ...process.env, RUNTIME_DIRECTORY: undefined, XDG_RUNTIME_DIR };
const port = 20_000 + (process.pid % 20_000);
const log = openSync(directory.at("log"), "a");

// Each in a folder of its own: all that is in it reloads when something there changes.
for (const name of ["changing", "steady"]) {
  mkdirSync(directory.at(name));
}
writeFileSync(directory.at("steady/main.mjs"), program("process.env.VERSION"));

function configure(version: number, watch: boolean): void {
  const command = (name: string) => [process.execPath, directory.at(`${name}/main.mjs`)];
  const plugins = {
    steady: { command: command("steady"), env: { VERSION: "0" } },
    other: { command: command("steady"), env: { VERSION: String(version) } },
    changing: { command: command("changing") },
  };
  const config = {
    plugins,
    listen: `127.0.0.1:${port}`,
    log: "json",
    watch,
  };
  writeFileSync(directory.at("servehttp.config.json"), JSON.stringify(config));
}

/** What each plugin has answered last: its process and its version. */
const latest = new Map<string, { readonly pid: string; readonly version: string }>();

function keepLatest(url: string, body: string): void {
  const [, pid = "", version = ""] = /^(\d+) (\S+)$/.exec(body) ?? [];
  if (pid === "") {
    throw new Error(`the answer is no plugin's: ${body}`);
  }
  latest.set(new URL(url).pathname.split("/")[2] ?? "", { pid, version });
}

async function waitUntil(condition: () => boolean, what: string): Promise<void> {
  const endMs = performance.now() + 60_000;
  while (!condition()) {
    if (performance.now() > endMs) {
      throw new Error(`a minute has passed without ${what}`);
    }
    await delay(10);
  }
}

interface Row {
  readonly what: string;
  readonly times: number;
  readonly seconds: number;
  readonly load: LoadResult;
  /** How many more there are than before. */
  readonly left: { readonly processes: number; readonly descriptors: number };
}

const rows: Row[] = [];

/** Runs a phase under load on a host of its own, and counts what it leaves behind. */
async function phase(
  what: string,
  times: number,
  watch: boolean,
  step: (host: { pid: number }, count: number) => Promise<void>,
): Promise<void> {
  configure(0, watch);
  writeFileSync(directory.at("changing/main.mjs"), program("0"));
  const child = spawn(process.execPath, [bin], {
    cwd: directory.path,
    env: environment,
    stdio: ["ignore", log, log],
  });
  const host = { pid: child.pid ?? 0 };
  const urls = ["steady", "other", "changing"].map(
    (id) => `http://127.0.0.1:${port}/plugins/${id}/`,
  );
  try {
    rows.push(await measured(what, times, urls, host, step));
  } finally {
    process.kill(host.pid, "SIGTERM");
    await waitUntil(() => !isAlive(host.pid), "the host's end");
  }
  if (child.exitCode === null && child.signalCode === null) {
    await once(child, "exit");
  }
}

async function measured(
  what: string,
  times: number,
  urls: readonly string[],
  host: { pid: number },
  step: (host: { pid: number }, count: number) => Promise<void>,
): Promise<Row> {
  latest.clear();
  await waitForAnswers(urls);
  // The first of all that is made once: threads, caches, the guard.
  const warm = new SteadyLoad(urls, perSecond, keepLatest);
  await waitUntil(() => latest.size === urls.length, "answers of all plugins");
  await warm.end();
  await delay(8_000);
  const before = { fds: descriptors(host.pid), processes: descendants(host.pid).length };
  const steady = latest.get("steady")?.pid;
  const beganMs = performance.now();
  const load = new SteadyLoad(urls, perSecond, keepLatest);
  for (let count = 1; count <= times; count += 1) {
    await step(host, count);
  }
  const seconds = (performance.now() - beganMs) / 1_000;
  const result = await load.end();
  if (what !== "upgrades" && latest.get("steady")?.pid !== steady) {
    throw new Error("a plugin that nobody has changed has another process");
  }
  // Connections that nobody uses close after five seconds, and old processes are drained by then.
  await delay(12_000);
  const after = { fds: descriptors(host.pid), processes: descendants(host.pid).length };
  const left = {
    processes: after.processes - before.processes,
    descriptors: after.fds - before.fds,
  };
  return { what, times, seconds, load: result, left };
}

async function waitForAnswers(urls: readonly string[]): Promise<void> {
  for (const url of urls) {
    for (let tries = 0; ; tries += 1) {
      try {
        const response = await fetch(url);
        if (response.ok) {
          break;
        }
      } catch (error) {
        if (tries > 600) {
          throw error;
        }
      }
      await delay(100);
    }
  }
}

await phase("reloads by SIGHUP", Number(options.reloads), false, async (host, count) => {
  configure(count, false);
  process.kill(host.pid, "SIGHUP");
  await waitUntil(() => latest.get("other")?.version === String(count), `version ${count}`);
});

await phase("file changes under --watch", Number(options.changes), true, async (_host, count) => {
  writeFileSync(directory.at("changing/main.mjs"), program(String(count)));
  await waitUntil(() => latest.get("changing")?.version === String(count), `version ${count}`);
});

await phase("upgrades", Number(options.upgrades), false, async (host) => {
  const { stdout } = await run(process.execPath, [bin, "upgrade", "--pid", String(host.pid)], {
    cwd: directory.path,
    env: environment,
  });
  const old = host.pid;
  host.pid = Number(/^process (\d+) has taken over$/m.exec(stdout)?.[1]);
  await waitUntil(() => !isAlive(old), "the end of the old process");
});

let isWell = true;
console.log("| what | times | in | requests | failed | p50 | p99 | max | left behind |");
console.log("|---|--:|--:|--:|--:|--:|--:|--:|---|");
for (const { what, times, seconds, load, left } of rows) {
  const failed = [...load.failures.values()].reduce((sum, count) => sum + count, 0);
  isWell &&= failed === 0 && left.processes <= 0 && left.descriptors <= 0;
  const cells = [
    what,
    times,
    `${seconds.toFixed(0)} s`,
    load.requests.toLocaleString("en-US"),
    failed,
    ...[load.p50Ms, load.p99Ms, load.maxMs].map((value) => `${value.toFixed(1)} ms`),
    `${left.processes} processes, ${left.descriptors} descriptors`,
  ];
  console.log(`| ${cells.join(" | ")} |`);
  for (const [why, count] of load.failures) {
    console.log(`failed ${count} times: ${why}`);
  }
}
process.exitCode = isWell ? 0 : 1;
