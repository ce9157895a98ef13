import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { setTimeout as delay } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { TemporaryDirectory } from "@servehttp/testkit";
import { admittedManifests } from "../manifests/admitted-manifests.js";
import { SteadyLoad } from "../operations/steady-load.js";
import { builtApiServer, usualCache } from "./built-api-server.js";
import { EndpointSlices, notReady, type SliceEntry, terminating } from "./endpoint-slices.js";
import { LoggedHost } from "./logged-host.js";
import { Pod } from "./pod.js";
import { check, until } from "./until.js";
import { recordAnswers } from "./record-answers.js";
import { TestCluster } from "./test-cluster.js";

/**
 * Runs the command with a plugin that a real API server of Kubernetes tells the addresses of, and
 * changes, kills and restarts what there is under load. Says when the host followed, and how many
 * requests failed. Before that, the server looks at the manifests in `deploy/kubernetes`. All of it
 * runs on a network of its own, so that nothing outside is touched.
 */

const { values: options } = parseArgs({
  options: {
    cache: { type: "string", default: usualCache },
    rate: { type: "string", default: "300" },
    rollouts: { type: "string", default: "5" },
    record: { type: "string" },
    inside: { type: "boolean", default: false },
  },
});
const programs = await builtApiServer(options.cache);
if (!options.inside) {
  // With processes of its own, all end with the first of them, however that one ends.
  const processes = ["--pid", "--fork", "--mount-proc", "--kill-child"];
  const apart = ["--user", "--map-root-user", "--net", "--mount", ...processes];
  const args = [...process.argv.slice(1), "--inside"];
  const child = spawn("unshare", [...apart, process.execPath, ...args], { stdio: "inherit" });
  const [code] = (await once(child, "exit")) as [number | null];
  process.exit(code ?? 1);
}

const advertised = "192.0.2.1";
execFileSync("ip", ["link", "set", "lo", "up"]);
execFileSync("ip", ["addr", "add", `${advertised}/32`, "dev", "lo"]);

const sdk = pathToFileURL(createRequire(import.meta.url).resolve("@servehttp/plugin-sdk")).href;
const program = `
import { servePlugin } from ${JSON.stringify(sdk)};
await servePlugin({ fetch: () => new Response(process.env.POD_ADDRESS) });
console.log("ready");
`;

await using directory = await TemporaryDirectory.make();
await using ends = new AsyncDisposableStack();
writeFileSync(directory.at("plugin.mjs"), program);
const cluster = ends.use(await TestCluster.start(programs, directory, advertised));
console.log(
  `${await admittedManifests(cluster)} manifests of deploy/kubernetes and pods are taken`,
);
for (const name of ["plugins", "web"]) {
  await cluster.ask("POST", "/api/v1/namespaces", { metadata: { name } });
}
await cluster.ask("POST", "/api/v1/namespaces/web/serviceaccounts", { metadata: { name: "host" } });
const { status } = JSON.parse(
  (
    await cluster.ask("POST", "/api/v1/namespaces/web/serviceaccounts/host/token", {
      spec: { expirationSeconds: 3_600 },
    })
  ).text,
) as { readonly status: { readonly token: string } };
mountServiceAccount(status.token);
if (options.record !== undefined) {
  await recordAnswers(cluster, status.token, options.record);
}

const slices = new EndpointSlices(cluster, "plugins");
const answered = new Map<string, number>();
const rows: string[] = [];
let podCount = 0;
let failedCount = 0;
let present = [await startPod(), await startPod(), await startPod()];

const host = ends.use(new LoggedHost(8_080, {}));
await host.says("does not let this process list EndpointSlices");
await allow();
await host.says("has no EndpointSlices");
await slices.put("search-a", entries(present));
await until(() => answers(host.url), "the first answer");
await step("a second slice has three more pods", async () => {
  const more = [await startPod(), await startPod(), await startPod()];
  present = [...present, ...more];
  const atMs = Date.now();
  await slices.put("search-b", entries(more));
  const seen = await host.follows(more, [], atMs);
  await until(() => more.every(({ address }) => answered.has(address)), "answers of all");
  return seen;
});
await step("a pod moves to that slice", async () => {
  const { changes } = host;
  await slices.put("search-b", entries(present.slice(2)));
  await slices.put("search-a", entries(present.slice(0, 2)));
  await delay(1_000);
  check(host.changes === changes, "the addresses have changed");
  return "nothing changes";
});
await step("a pod is terminating, and ends", async () => {
  const [old, ...rest] = present as [Pod, ...Pod[]];
  const atMs = Date.now();
  await slices.put("search-a", [...entries([old], terminating), ...entries(rest.slice(0, 1))]);
  const seen = await host.follows([], [old], atMs);
  await old.end();
  await slices.put("search-a", entries(rest));
  await slices.put("search-b", []);
  present = rest;
  return seen;
});
await step(`${options.rollouts} rollouts of all pods, one by one`, rollOut);
await step("the API server is killed for 10 s", async () => {
  await cluster.killApiServer();
  await host.says("can't be watched");
  await delay(10_000);
  await cluster.startApiServer();
  return await addedPod();
});
await step("the API server and etcd are killed for 5 s", async () => {
  await cluster.killApiServer();
  await cluster.killEtcd();
  await delay(5_000);
  await cluster.startEtcd();
  await cluster.startApiServer();
  return await addedPod();
});
await step(`${options.rollouts} more rollouts`, rollOut);
await step("all pods are terminating, and still serve", async () => {
  await slices.put("search-a", entries(present, terminating));
  await delay(2_000);
  await slices.put("search-a", entries(present));
  return "they are used";
});

// Another host, which knows its zone.
const [near, ...far] = present as [Pod, ...Pod[]];
const zones = [...entries([near], undefined, "near"), ...entries(far, undefined, "far")];
await slices.put("search-a", zones);
const zoned = ends.use(new LoggedHost(8_081, { SERVEHTTP_ZONE: "near" }));
await until(() => answers(zoned.url), "its first answer");
await zoned.follows(present, [], 0);
await step(
  "a host with a zone, and hints",
  async () => {
    await delay(2_000);
    const others = [...answered.keys()].filter((address) => address !== near.address);
    check(others.length === 0, `pods of the other zone answered: ${others.join(", ")}`);
    return "the one pod in its zone answers everything";
  },
  zoned.url,
);
await step(
  "the last pod in its zone is not ready any more",
  async () => {
    answered.clear();
    await slices.put("search-a", [...entries([near], notReady, "near"), ...zones.slice(1)]);
    await zoned.follows([], [near], 0);
    await until(() => far.every(({ address }) => answered.has(address)), "answers of the others");
    return "all others answer";
  },
  zoned.url,
);

// Before their pods.
await Promise.all([host[Symbol.asyncDispose](), zoned[Symbol.asyncDispose]()]);
console.log(
  ["| what happens | what the host does | requests | failed |", "|---|---|--:|--:|", ...rows].join(
    "\n",
  ),
);
process.exitCode = failedCount === 0 ? 0 : 1;

/** Does something under load, and writes a row of the table. */
async function step(what: string, run: () => Promise<string>, url = host.url): Promise<void> {
  answered.clear();
  const load = new SteadyLoad([url], Number(options.rate), (_url, body) => {
    check(body.startsWith("192.0.2."), `the answer is no pod's: ${body}`);
    answered.set(body, (answered.get(body) ?? 0) + 1);
  });
  const seen = await run();
  await delay(500);
  const { failures, requests } = await load.end();
  const failed = [...failures.values()].reduce((sum, count) => sum + count, 0);
  failedCount += failed;
  rows.push(`| ${what} | ${seen} | ${requests} | ${failed} |`);
  console.error(rows.at(-1), failed === 0 ? "" : failures);
}

async function answers(url: string): Promise<boolean> {
  const response = await fetch(url).catch(() => undefined);
  await response?.text();
  return response?.status === 200;
}

/** Replaces all pods, so many times. */
async function rollOut(): Promise<string> {
  const tookMs: number[] = [];
  for (let count = present.length * Number(options.rollouts); count > 0; count -= 1) {
    const [old, ...rest] = present as [Pod, ...Pod[]];
    const fresh = await startPod();
    const atMs = Date.now();
    await slices.put("search-a", entries([...present, fresh]));
    await host.follows([fresh], [], atMs);
    tookMs.push(Date.now() - atMs);
    present = [...rest, fresh];
    await slices.put("search-a", [...entries(present), ...entries([old], terminating)]);
    // As the kubelet does it: without waiting for anybody to have seen it.
    await old.end();
    await slices.put("search-a", entries(present));
  }
  return `${tookMs.length} pods replaced, each followed within ${Math.max(...tookMs)} ms`;
}

/** Whether the host follows the API server again. */
async function addedPod(): Promise<string> {
  const fresh = await startPod();
  present = [...present, fresh];
  const atMs = Date.now();
  await slices.put("search-a", entries(present));
  return await host.follows([fresh], [], atMs);
}

async function startPod(): Promise<Pod> {
  podCount += 1;
  return ends.use(await Pod.start(directory.at("plugin.mjs"), 10 + podCount));
}

function entries(
  pods: readonly Pod[],
  conditions?: SliceEntry["conditions"],
  zone?: string,
): readonly SliceEntry[] {
  return pods.map(({ address }) => ({ address, conditions, zone }));
}

/** What docs/fleets.md has as a manifest. */
async function allow(): Promise<void> {
  const rbac = "/apis/rbac.authorization.k8s.io/v1/namespaces/plugins";
  await cluster.ask("POST", `${rbac}/roles`, {
    metadata: { name: "servehttp-discovery" },
    rules: [
      { apiGroups: ["discovery.k8s.io"], resources: ["endpointslices"], verbs: ["list", "watch"] },
    ],
  });
  await cluster.ask("POST", `${rbac}/rolebindings`, {
    metadata: { name: "servehttp-discovery" },
    roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name: "servehttp-discovery" },
    subjects: [{ kind: "ServiceAccount", name: "host", namespace: "web" }],
  });
}

/** Where a pod has it. */
function mountServiceAccount(token: string): void {
  execFileSync("mount", ["-t", "tmpfs", "tmpfs", "/run"]);
  const account = "/var/run/secrets/kubernetes.io/serviceaccount";
  mkdirSync(account, { recursive: true });
  writeFileSync(`${account}/token`, token);
  writeFileSync(`${account}/ca.crt`, cluster.ca);
  writeFileSync(`${account}/namespace`, "web");
}
