import { openSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import { SeededRandom, TemporaryDirectory } from "@servehttp/testkit";
import { SteadyLoad } from "../operations/steady-load.js";
import { Deployment } from "./deployment.js";
import { EndpointFeed } from "./endpoint-feed.js";
import type { PodProgram } from "./pod.js";
import { Service } from "./service.js";
import { shippedConfig, shippedPods } from "./shipped-pods.js";

/**
 * Rolls hosts and plugins out anew under load, with the probes, hooks and times of the manifests in
 * `deploy/kubernetes`, and says how many requests failed. The processes are real; Kubernetes is played:
 * what it tells to whom comes up to two seconds late.
 */

const { values: options } = parseArgs({
  options: {
    rounds: { type: "string", default: "3" },
    rate: { type: "string", default: "300" },
    seed: { type: "string", default: "1" },
    "without-hooks": { type: "boolean", default: false },
  },
});
const rounds = Number(options.rounds);
const hasHooks = !options["without-hooks"];
const random = new SeededRandom(Number(options.seed));

await using directory = await TemporaryDirectory.make();
const log = openSync(directory.at("log"), "a");
const bin = fileURLToPath(new URL("../../../cli/dist/bin.js", import.meta.url));
const pluginProgram = fileURLToPath(new URL("rollout-plugin.js", import.meta.url));
const { admin, lameDuckMs, ...config } = shippedConfig();
const hostPods = shippedPods("servehttp-host");
const pluginPods = shippedPods("servehttp-notes");

await using plugins = new Deployment(
  (): PodProgram => ({
    args: [pluginProgram],
    env: { ...process.env, SERVEHTTP_ADDRESS: "127.0.0.1:0" },
    cwd: directory.path,
    serves: /^the plugin is at (\S+)$/,
    isProbed: /^the plugin is at (\S+)$/,
    log,
  }),
  hasHooks ? pluginPods : { ...pluginPods, preStopSeconds: 0 },
  random,
);
await plugins.start(2);
await using feed = await EndpointFeed.open(directory.at("endpoints"), plugins);

const told = {
  ...config,
  ...(hasHooks && { lameDuckMs }),
  listen: "127.0.0.1:0",
  admin: { ...(admin as object), address: "127.0.0.1:0", tokenFile: directory.at("token") },
};
writeFileSync(directory.at("token"), "the-token-of-the-rollouts");
writeFileSync(
  directory.at("servehttp.config.mjs"),
  `import { connect } from "node:net";
import { createInterface } from "node:readline";

async function* discover(signal) {
  const input = connect(${JSON.stringify(feed.path)});
  signal.addEventListener("abort", () => input.destroy());
  for await (const line of createInterface({ input })) {
    yield JSON.parse(line);
  }
}

export default { ...${JSON.stringify(told)}, plugins: { notes: { discover } } };
`,
);
await using hosts = new Deployment(
  (): PodProgram => ({
    args: [bin],
    env: { ...process.env, XDG_RUNTIME_DIR: directory.path, RUNTIME_DIRECTORY: undefined },
    cwd: directory.path,
    serves: /^listening on http:\/\/(\S+)$/,
    isProbed: /^admin on http:\/\/(\S+)$/,
    log,
  }),
  hostPods,
  random,
);
await hosts.start(2);
await using service = await Service.open(hosts);
const urls = ["", "", "", "", "", "slow", "large", ""].map(
  (path) => `${service.url}/plugins/notes/${path}`,
);
while ((await fetch(urls[0] ?? "").catch(() => undefined))?.ok !== true) {
  await delay(100);
}

console.log(
  `${options.rate} requests/s, seed ${options.seed}, ${hasHooks ? "as shipped" : "without hooks"}`,
);
console.log("| rollout of | times | in | requests | failed | killed | p50 | p99 | max |");
console.log("|---|--:|--:|--:|--:|--:|--:|--:|--:|");
let isWell = true;
for (const [name, deployment] of [
  ["2 plugins", plugins],
  ["2 hosts", hosts],
] as const) {
  const beganMs = performance.now();
  const load = new SteadyLoad(urls, Number(options.rate), (url, body) => {
    const bytes = url.endsWith("/large") ? 65_536 : 2;
    if (body.length !== bytes) {
      throw new Error(`${body.length} bytes where ${bytes} were due`);
    }
  });
  for (let round = 0; round < rounds; round += 1) {
    await deployment.roll();
  }
  const { failures, requests, p50Ms, p99Ms, maxMs } = await load.end();
  const failed = [...failures.values()].reduce((sum, count) => sum + count, 0);
  isWell &&= failed === 0 && deployment.killed === 0;
  const cells = [
    name,
    rounds,
    `${((performance.now() - beganMs) / 1_000).toFixed(0)} s`,
    requests.toLocaleString("en-US"),
    failed,
    deployment.killed,
    ...[p50Ms, p99Ms, maxMs].map((ms) => `${ms.toFixed(1)} ms`),
  ];
  console.log(`| ${cells.join(" | ")} |`);
  for (const [why, count] of failures) {
    console.log(`failed ${count} times: ${why}`);
  }
}
process.exitCode = isWell ? 0 : 1;
