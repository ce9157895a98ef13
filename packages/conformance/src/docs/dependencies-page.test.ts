import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { pageAt } from "./pages.js";
import {
  installation,
  type RuntimeDependency,
  runtimeDependencies,
} from "./runtime-dependencies.js";

const page = fileURLToPath(pageAt("docs/dependencies.md"));

/** What each is for, and why nothing smaller does. A dependency without a reason fails the test. */
const reasons: Readonly<Record<string, { readonly purpose: string; readonly why: string }>> = {
  "@bufbuild/protobuf": {
    purpose:
      "The messages of the contract as types, and their encoding where it is not ours: `Describe`, health, Connect and JSON.",
    why: "Exchanges are read and written by code of ours, for speed ([decision 001](../decisions/001-own-grpc-framing.md)). The rest needs all of protobuf with JSON, which no smaller package has. Half of it is the same code twice, for `require` and for `import`, and types.",
  },
  "@connectrpc/connect": {
    purpose:
      "The RPCs that carry no exchange (`Describe`, health), with their statuses, and exchanges in the Connect protocol.",
    why: "Three protocols (gRPC, gRPC-Web, Connect) with their errors. gRPC alone would be little code, but any gRPC client can look at a plugin because this understands it.",
  },
  "@connectrpc/connect-node": {
    purpose: "The same on `node:http2`.",
    why: "It is the part of connect that knows Node. `@grpc/grpc-js` would bring 33 packages with 10 MB, and no Connect.",
  },
  "@opentelemetry/api": {
    purpose: "Metrics and traces, where the process has registered an SDK of OpenTelemetry.",
    why: "It is the interface that every SDK and instrumentation of OpenTelemetry speaks, and does nothing by itself. Loaded only once an SDK is registered. It has no dependencies.",
  },
  "@opentelemetry/core": {
    purpose: "The codes by which an exporter says how it went.",
    why: "They are the SDK's own, and every package of the SDK brings them.",
  },
  "@opentelemetry/exporter-metrics-otlp-proto": {
    purpose:
      "Pushes metrics to a collector of OpenTelemetry's (OTLP over HTTP), for `@servehttp/admin`.",
    why: "The protocol, its compression and certificates, retries, and the `OTEL_…` variables that operators know. The one over gRPC would bring `@grpc/grpc-js`. Loaded only where such a variable asks for it.",
  },
  "@opentelemetry/exporter-trace-otlp-proto": {
    purpose:
      "Sends traces to a collector of OpenTelemetry's (OTLP over HTTP), for `@servehttp/admin/traces`.",
    why: "As that for metrics, with which it shares nearly all of its size.",
  },
  "@opentelemetry/sdk-trace": {
    purpose: "Makes, samples and batches the spans of a host that go to a collector.",
    why: "What OpenTelemetry makes of its own API. Loaded only where a variable asks for traces.",
  },
  "@opentelemetry/resources": {
    purpose: "What metrics say of the host they come from, by the `OTEL_…` variables.",
    why: "The SDK needs it.",
  },
  "@opentelemetry/sdk-metrics": {
    purpose: "Collects the metrics of a host, for `/metrics` and the exporter.",
    why: "What OpenTelemetry makes of its own API. Prometheus' text is written by code of ours: `@opentelemetry/exporter-prometheus` 0.301 leaves out units (`_seconds`), which the specification and every dashboard have in the names, and has no OpenMetrics.",
  },
  "@kubernetes/client-node": {
    purpose:
      "Reads kubeconfigs, for `@servehttp/kubernetes`: where the API server is, and how to prove who asks.",
    why: "It is the project's own client, and knows every way to sign in that kubeconfigs name: tokens in files, programs, OpenID Connect, certificates, proxies. Nearly all of its size is an API that is not used here. Loaded only where there is a kubeconfig: a host that is a pod needs none ([decision 023](../decisions/023-pods-need-no-kubeconfig.md)).",
  },
  undici: {
    purpose: "Sends the requests to the API server, for `@servehttp/kubernetes`.",
    why: "`@kubernetes/client-node` needs it, and what it makes of a kubeconfig is a dispatcher of undici's. Node's own `fetch` takes no authority for a connection.",
  },
  commander: {
    purpose: "The arguments of the command, and its help.",
    why: "Commands, options that are given several times, and what a mistyped one may have meant; `parseArgs` of Node has none of these. It has no dependencies.",
  },
  jiti: {
    purpose: "Loads a config in TypeScript or JavaScript, and loads it anew while the host runs.",
    why: "`import` gives the first version for ever, with all that a config imports. Node takes types off by itself only from 22.18 on. It has no dependencies; half of its size is a compiler, which runs for configs only.",
  },
  "jsonc-parser": {
    purpose: "Reads a config in JSON.",
    why: "`JSON.parse` takes a name that stands twice without a word, and says no line. It has no dependencies.",
  },
  "apache-md5": {
    purpose:
      "Checks passwords that `htpasswd` has written by default (Apache's MD5), for `basicIdentity`.",
    why: "A hundred lines for a format that nobody should write anew. Loaded with the first password only.",
  },
  bcryptjs: {
    purpose: "Checks passwords that `htpasswd -B` has written (bcrypt), for `basicIdentity`.",
    why: "Node has no bcrypt. `bcrypt` and `@node-rs/bcrypt` are several times faster and compile or download something when you install; this runs in a thread of its own instead. Loaded with the first password only.",
  },
  chokidar: {
    purpose: "Watches the files of plugins, for `@servehttp/host-bridge/watch`.",
    why: "`fs.watch` tells changes twice, misses files that an editor puts in place of others, and knows no folders to leave out. Only that import loads it.",
  },
  jose: {
    purpose:
      "Checks the signatures and times of tokens, and fetches an issuer's keys, for `jwtIdentity`.",
    why: "It has no dependencies, and knows the attacks on tokens that code of ours would have to learn. Only `@servehttp/host-bridge/identity` loads it.",
  },
  pino: {
    purpose: "The log of a host that is given no logger of its own, and of the command.",
    why: "Its records are what log collectors and `pino-pretty` read, and it writes any error, with circles and throwing getters, without failing. Writing to standard output is code of ours, because pino's waits on a full pipe. An application that has pino already shares it.",
  },
  "shell-quote": {
    purpose: "Splits the command line of a plugin into words.",
    why: "Quotes and backslashes as a shell has them, and it tells of what only a shell can do. It has no dependencies.",
  },
  zod: {
    purpose: "Checks the options of a host and of the command, and says in one line what is wrong.",
    why: "Types, defaults, checks and the pages of [options](options.md) come from one declaration. It has no dependencies. Half of its size is source, and a tenth is texts in other languages: no program loads them.",
  },
};

it("says in docs/dependencies.md what users install (vitest --update writes it)", async () => {
  const text = readFileSync(page, "utf8");
  const table = dependencyTable(runtimeDependencies());
  const totals = totalsTable([
    "servehttp",
    "@servehttp/host-bridge",
    "@servehttp/plugin-sdk",
    "@servehttp/kubernetes",
  ]);
  const written = filled(filled(text, "dependencies", table), "installations", totals);
  await expect(written).toMatchFileSnapshot(page);
});

it("gives a reason for every dependency of the Python SDK", () => {
  const project = readFileSync(pageAt("sdks/python/pyproject.toml"), "utf8");
  const [, list = ""] = /^dependencies = \[(.*?)\]/ms.exec(project) ?? [];
  const names = Array.from(list.matchAll(/"([\w-]+)/g), ([, name]) => name);
  const text = readFileSync(page, "utf8");
  expect(names).not.toEqual([]);
  expect(names.filter((name) => !text.includes(`\n| \`${name}\` `))).toEqual([]);
});

function dependencyTable(dependencies: readonly RuntimeDependency[]): string {
  const rows = dependencies.map(({ name, version, neededBy, tree, bytes }) => {
    const reason = reasons[name];
    if (reason === undefined) {
      throw new Error(`nobody has said why ${name} is needed`);
    }
    const size = `${megabytes(bytes)}${tree.length > 1 ? `, ${tree.length} packages` : ""}`;
    return `| \`${name}\` ${version} | ${neededBy.join(", ")} | ${size} | ${reason.purpose} | ${reason.why} |`;
  });
  return [
    "| package | needed by | on disk | what it is for | why nothing smaller does |",
    "|---|---|---|---|---|",
    ...rows,
  ].join("\n");
}

function totalsTable(packages: readonly string[]): string {
  const rows = packages.map((name) => {
    const { packages: count, bytes } = installation(name);
    return `| \`npm install ${name}\` | ${count} | ${megabytes(bytes)} |`;
  });
  return [
    "| command | packages, ours included | other people's code on disk |",
    "|---|---|---|",
    ...rows,
  ].join("\n");
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}

/** A page with what stands between `<!-- NAME -->` and `<!-- end -->` written anew. */
function filled(text: string, name: string, content: string): string {
  const place = new RegExp(`(<!-- ${name} -->\\n).*?(<!-- end -->)`, "s");
  if (!place.test(text)) {
    throw new Error(`docs/dependencies.md has no place for ${name}`);
  }
  return text.replace(place, (_all, start, end) => `${start}${content}\n${end}`);
}
