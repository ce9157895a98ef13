import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { freePort, TemporaryDirectory, until } from "@servehttp/testkit";
import { type SeenSpan, spansOf, treeOf } from "./trace-tree.js";

/**
 * Sends one request through the `servehttp` command, a plugin in JavaScript that asks somebody
 * outside, and a plugin in Python that it calls, all of them exporting to a real collector of
 * OpenTelemetry. Prints the trace that the collector has written down, and fails where it is not one.
 *
 * The collector is built from its Go modules (`collector/`), and the Python SDK is installed into a
 * virtual environment: it needs Go and Python with venv, and takes minutes the first time.
 */

const run = promisify(execFile);
const source = fileURLToPath(new URL("../../src/traces/", import.meta.url));
const bin = fileURLToPath(new URL("../../../cli/dist/bin.js", import.meta.url));
const sdk = fileURLToPath(new URL("../../../../sdks/python", import.meta.url));
const wanted = [
  "host: GET /plugins/notes/* (server)",
  "  notes: GET (server)",
  "    notes: GET (client)",
  "    notes: GET search (client)",
  "      host: GET /plugins/search/* (server)",
  "        search: GET (server)",
];

await using directory = await TemporaryDirectory.make();
const [python, collectorPort] = await Promise.all([installedPython(), freePort(), built()]);
const endpoint = `http://127.0.0.1:${collectorPort}`;
const written = directory.at("spans.json");

await using running = new AsyncDisposableStack();
const collector = spawn(directory.at("collector"), [
  "--config",
  `yaml:${JSON.stringify({
    receivers: { otlp: { protocols: { http: { endpoint: `127.0.0.1:${collectorPort}` } } } },
    exporters: { file: { path: written, flush_interval: "200ms" } },
    service: {
      telemetry: { metrics: { level: "none" } },
      pipelines: { traces: { receivers: ["otlp"], exporters: ["file"] } },
    },
  })}`,
]);
running.defer(() => ended(collector));
await lineOf(collector.stderr, /Everything is ready/);

const outside = createServer((_request, response) => response.end("outside")).listen(
  0,
  "127.0.0.1",
);
await once(outside, "listening");
running.defer(() => outside.close().closeAllConnections());
const OUTSIDE = `http://127.0.0.1:${(outside.address() as AddressInfo).port}`;

const env = (name: string) => ({
  OTEL_EXPORTER_OTLP_ENDPOINT: endpoint,
  OTEL_SERVICE_NAME: name,
  OUTSIDE,
});
const at = (name: string) => fileURLToPath(new URL(name, import.meta.url));
const config = {
  plugins: {
    notes: {
      command: [process.execPath, "--import", at("set-up-tracing.js"), at("calling-plugin.js")],
      env: env("notes"),
      mayCall: ["search"],
    },
    search: { command: [python, `${source}called_plugin.py`], env: env("search") },
  },
};
await writeFile(directory.at("servehttp.config.json"), JSON.stringify(config));
const host = spawn(process.execPath, [bin, "--port", "0"], {
  cwd: directory.path,
  env: { ...process.env, ...env("host"), XDG_RUNTIME_DIR: directory.path },
});
running.defer(() => ended(host));
const address = new Map<string, string>();
for await (const line of createInterface({ input: host.stdout })) {
  const [, id, url] = /^(\w+) +READY +(\S+)$/.exec(line) ?? [];
  if (id !== undefined && url !== undefined) {
    address.set(id, url);
  }
  if (address.size === 2) {
    break;
  }
}
const answer = await fetch(`${address.get("notes")}a`);
console.log(`the client got ${answer.status}: ${await answer.text()}`);
// The command exports what it has before it ends.
await ended(host);
await until(() => seen().length >= wanted.length, "the spans in the collector's file");
const spans = seen();
const tree = treeOf(spans);
console.log(`${new Set(spans.map(({ traceId }) => traceId)).size} trace, as the collector has it:`);
console.log(tree.join("\n"));
if (tree.join("\n") !== wanted.join("\n")) {
  console.error(`it should be:\n${wanted.join("\n")}`);
  process.exitCode = 1;
}

function seen(): SeenSpan[] {
  const text = existsSync(written) ? readFileSync(written, "utf8") : "";
  return text
    .split("\n")
    .filter((line) => line !== "")
    .flatMap(spansOf);
}

async function built(): Promise<void> {
  await run("go", ["build", "-o", directory.at("collector"), "."], { cwd: `${source}collector` });
}

/** A Python with the SDK as it is here, and what traces in Python need. */
async function installedPython(): Promise<string> {
  const given = process.env["SERVEHTTP_PYTHON"];
  if (given !== undefined) {
    return given;
  }
  const venv = directory.at("venv");
  await run("python3", ["-m", "venv", venv]);
  const packages = [`${sdk}[otel]`, "opentelemetry-exporter-otlp-proto-http==1.45.2"];
  await run(`${venv}/bin/pip`, ["install", "--quiet", ...packages]);
  return `${venv}/bin/python`;
}

async function lineOf(output: NodeJS.ReadableStream, pattern: RegExp): Promise<void> {
  const said: string[] = [];
  for await (const line of createInterface({ input: output })) {
    said.push(line);
    if (pattern.test(line)) {
      output.resume();
      return;
    }
  }
  throw new Error(`the collector has ended:\n${said.join("\n")}`);
}

async function ended(child: ReturnType<typeof spawn>): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) {
    child.kill("SIGTERM");
    await once(child, "exit");
  }
}
