import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { fileURLToPath, pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { TemporaryDirectory } from "@servehttp/testkit";
import { debianPackages } from "../proxies/fetched-software.js";
import { Prometheus } from "./running-prometheus.js";

/**
 * Lets a real Prometheus scrape the command under load, and compares its answers with what the load
 * generator has counted: requests by status, outcomes and bytes exactly, durations by their buckets.
 */

const { values: options } = parseArgs({
  options: { requests: { type: "string", default: "500" } },
});
const count = Number(options.requests);

const bin = fileURLToPath(new URL("../../../cli/dist/bin.js", import.meta.url));
const sdk = pathToFileURL(createRequire(import.meta.url).resolve("@servehttp/plugin-sdk")).href;
const page = (path: string) => fileURLToPath(new URL(`../../../../docs/${path}`, import.meta.url));

const program = `
import { servePlugin } from ${JSON.stringify(sdk)};
await servePlugin({
  async serveHTTP(request, response) {
    if (request.url === "/throw") throw new Error("as it was asked to");
    if (request.url === "/wait") {
      await response.flush();
      return await new Promise((resolve) => request.signal.addEventListener("abort", resolve));
    }
    await response.end(await request.bytes());
  },
});
`;

const failures: string[] = [];

function check(what: string, found: unknown, expected: unknown): void {
  const isRight = JSON.stringify(found) === JSON.stringify(expected);
  console.log(`${isRight ? "ok  " : "FAIL"} ${what}: ${JSON.stringify(found)}`);
  if (!isRight) {
    failures.push(`${what}: expected ${JSON.stringify(expected)}`);
  }
}

await using directory = await TemporaryDirectory.make();
await using ends = new AsyncDisposableStack();
const token = "a-token-for-prometheus";
writeFileSync(directory.at("plugin.mjs"), program);
const flags = ["--plugin", `bench=${directory.at("plugin.mjs")}`, "--port", "0"];
const command = spawn(process.execPath, [bin, ...flags, "--admin", "127.0.0.1:0"], {
  stdio: ["ignore", "pipe", "inherit"],
  env: { ...process.env, SERVEHTTP_ADMIN_TOKEN: token, XDG_RUNTIME_DIR: directory.path },
});
ends.defer(() => ended(command));
const urls = await addresses(command);
const prometheus = ends.use(
  await Prometheus.start(await debianPackages("prometheus"), directory, {
    target: new URL(urls.admin).host,
    token,
    rules: page("grafana/alerts.yml"),
  }),
);

// The load: what each kind of request is answered, how long that took, and how many bytes went where.
const durations: number[] = [];
let sentBytes = 0;
let receivedBytes = 0;
for (let index = 0; index < count; index += 1) {
  const body = new Uint8Array((index * 7_919) % 20_000);
  const began = performance.now();
  const response = await fetch(`${urls.plugin}echo`, { method: "POST", body });
  receivedBytes += (await response.bytes()).length;
  durations.push((performance.now() - began) / 1_000);
  sentBytes += body.length;
}
const few = Math.ceil(count / 10);
for (let index = 0; index < few; index += 1) {
  await (await fetch(`${urls.plugin}throw`)).text();
  await (await fetch(new URL("/plugins/stranger/", urls.plugin))).text();
  await leave(`${urls.plugin}wait`);
}
const total = count + 3 * few;
const requests = "sum(http_server_request_duration_seconds_count)";
await prometheus.until(requests, (value) => value >= total);

check("requests", await prometheus.value(requests), total);
check(
  "requests by status",
  await prometheus.values(
    "sum by (http_response_status_code) (http_server_request_duration_seconds_count)",
    "http_response_status_code",
  ),
  { 200: count + few, 404: few, 500: few },
);
check(
  "outcomes",
  await prometheus.values("servehttp_exchange_outcomes_total", "servehttp_outcome"),
  { "client-disconnected": few, ok: count, "plugin-error": few },
);
const ofPosts = '{http_request_method="POST"}';
check(
  "bytes of requests",
  await prometheus.value(`http_server_request_body_size_bytes_sum${ofPosts}`),
  sentBytes,
);
check(
  "bytes of responses",
  await prometheus.value(`http_server_response_body_size_bytes_sum${ofPosts}`),
  receivedBytes,
);
const buckets = await prometheus.values(
  `http_server_request_duration_seconds_bucket${ofPosts}`,
  "le",
);
// A client measures no less than the host, so each bucket has as many requests of the host or more.
const tooFew = Object.entries(buckets).filter(
  ([le, value]) => value < durations.filter((duration) => duration <= Number(le)).length,
);
check("buckets with fewer requests than the client has measured", tooFew, []);
check("requests in the last bucket", buckets["+Inf"], count);
check("requests that are not over", await prometheus.value("sum(http_server_active_requests)"), 0);
check("states", await prometheus.values("servehttp_plugin_state == 1", "servehttp_state"), {
  ready: 1,
});
check("the scrape", await prometheus.value("up"), 1);

const dashboard = JSON.parse(readFileSync(page("grafana/servehttp.json"), "utf8")) as {
  readonly panels: readonly { readonly targets: readonly { readonly expr: string }[] }[];
};
const queries = dashboard.panels.flatMap(({ targets }) => targets.map(({ expr }) => expr));
for (const query of queries) {
  const asked = query.replaceAll("$plugin", ".*").replaceAll("$__rate_interval", "1m");
  check(`${query}, for the dashboard`, await prometheus.answers(asked), true);
}
check("rules that can't be evaluated", await prometheus.brokenRules(), []);

console.log(failures.length === 0 ? "all figures are equal" : failures.join("\n"));
process.exitCode = failures.length === 0 ? 0 : 1;

/** Sends a request and leaves when the head of its response is there. */
async function leave(url: string): Promise<void> {
  const left = new AbortController();
  const response = await fetch(url, { signal: left.signal });
  left.abort();
  await response.text().catch(() => undefined);
}

async function addresses(child: ChildProcess): Promise<{ admin: string; plugin: string }> {
  let admin: string | undefined;
  for await (const line of createInterface({ input: child.stdout as NodeJS.ReadableStream })) {
    admin ??= /^admin on (\S+)$/.exec(line)?.[1];
    const plugin = /^bench {2}READY {3}(\S+)$/.exec(line)?.[1];
    if (plugin !== undefined && admin !== undefined) {
      return { admin, plugin };
    }
  }
  throw new Error("the command has ended");
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode === null) {
    child.kill("SIGTERM");
    await once(child, "exit");
  }
}
