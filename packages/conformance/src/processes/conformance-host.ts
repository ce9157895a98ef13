import { fork } from "node:child_process";
import { once } from "node:events";
import { createServer, type IncomingMessage } from "node:http";
import { createServer as createHttp2Server, type Http2ServerRequest } from "node:http2";
import type { AddressInfo, Server } from "node:net";
import { fileURLToPath } from "node:url";
import { createPluginHost, createWorkerHost, type HostOptions } from "@servehttp/host-bridge";
import { impatientTimeouts } from "../impatient-timeouts.js";
import { Observer } from "../observation/observer.js";
import type { TargetName } from "../targets/target-names.js";
import { serveMounted } from "./serve-mounted.js";

/**
 * The host of the bridged targets:
 *
 *     node conformance-host.js OBSERVATION_SOCKET CARRIER IMPATIENT MOUNTS
 *
 * Its plugins: `conformance`, with the default time-outs; `stopped`, which never gets ready;
 * `impatient`, which is `conformance` with short time-outs, if IMPATIENT is not empty; and, if MOUNTS
 * is not empty, `site`, which is `conformance` with the whole path, and `led`, whose redirects are
 * rewritten; then `conformance` has a host name.
 *
 * As `worker`, it is a supervisor that nobody connects to, and starts itself as its worker, with the
 * host that clients do connect to.
 */
const [, , observationPath = "", carrierName = "", impatient = "", mounts = ""] = process.argv;
const carrier = carrierOf(carrierName as Exclude<TargetName, "direct">);
const isWorker = process.send !== undefined;
const pluginScript = fileURLToPath(new URL("conformance-plugin.js", import.meta.url));
const plugin = (role: string) => ({
  command: [process.execPath, ...process.execArgv, pluginScript, observationPath, role],
  carrier,
});

let observer: Observer | undefined;
const options: HostOptions = {
  plugins: {
    conformance: { ...plugin("plugin"), hosts: mounts === "" ? [] : ["notes.localhost"] },
    // Short, because every test of a plugin that never gets ready waits for it.
    stopped: { url: "unix:/nowhere/stopped.sock", timeouts: { waitMs: 300 } },
    ...(impatient !== "" && {
      impatient: { ...plugin("impatient"), timeouts: impatientTimeouts },
    }),
    ...(mounts !== "" && {
      site: { ...plugin("site"), path: "full" },
      led: { ...plugin("led"), rewriteRedirects: true, redirectToSlash: true },
    }),
  },
  identity,
  edge: {
    // Clients connect from 127.0.0.1, unless they are to be proxies.
    trustedProxies: ["127.0.0.3", "127.0.0.4"],
    strip: {
      cookies: ["session"],
      headers: ["x-api-key", "x-login", "x-hold-identity"],
      queryParameters: ["access_token"],
    },
    protectedCookies: ["session"],
  },
};
if (carrierName === "worker" && !isWorker) {
  await supervise();
} else {
  await serve();
}

async function serve(): Promise<void> {
  const http1 = createServer();
  const http2 = createHttp2Server();
  const mounted = createServer();
  const disabled = createServer();
  const ports = await Promise.all([http1, http2, mounted, disabled].map(listen));
  const host = isWorker ? createWorkerHost(options, process) : createPluginHost(options);
  await host.start();
  host.attach(http1);
  host.attach(http2);
  const [http1Port, http2Port, mountedPort, disabledPort] = ports;
  observer = await Observer.connect(observationPath, "host", {
    http1Port,
    http2Port,
    mountedPort,
    disabledPort,
  });
  observer.beforeExit = () => host.stop({ drainMs: 0 });
  serveMounted(mounted, host, observer);
  createPluginHost({
    plugins: { conformance: { url: "unix:/nowhere/disabled.sock" } },
    enabled: false,
  }).attach(disabled);
}

async function supervise(): Promise<void> {
  const host = createPluginHost(options);
  await host.start();
  const supervisor = await Observer.connect(observationPath, "supervisor");
  supervisor.beforeExit = () => host.stop({ drainMs: 0 });
  host.share(fork(fileURLToPath(import.meta.url), process.argv.slice(2)));
}

/** Takes the user from `x-login`. A client that sends `x-hold-identity` waits for a gate first. */
async function identity(
  request: IncomingMessage | Http2ServerRequest,
): Promise<Record<string, string | undefined>> {
  const { "x-login": login, "x-hold-identity": key } = request.headers;
  if (typeof key === "string") {
    const client = "stream" in request ? request.stream : request.socket;
    observer?.event(key, "identity asked");
    client.once("close", () => observer?.event(key, "client gone"));
    await observer?.gate(key, "identity");
    observer?.event(key, "identity given");
  }
  return { "x-user-id": typeof login === "string" ? login : undefined };
}

async function listen(server: Server): Promise<number> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}

function carrierOf(name: Exclude<TargetName, "direct">): "mux" | "stream" {
  return name === "worker" ? "mux" : name;
}
