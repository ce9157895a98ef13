/**
 * The bridge: host and plugin as two processes. Arguments: the carrier, `--watched=` and what is
 * observed (`observed.ts`) if anything is, then the plugin's command.
 */
import { createServer } from "node:http";

import { createPluginHost } from "@servehttp/host-bridge";

import { announce } from "./announce.js";
import { observed, watchedFlag } from "./observed.js";

const [, , carrier, ...rest] = process.argv;
const watched = rest[0]?.startsWith(watchedFlag) === true ? rest.shift() : undefined;
const command = rest;
if (carrier !== "mux" && carrier !== "stream") {
  throw new Error(`mux or stream, not ${carrier}`);
}
// A plugin gets few of its host's variables. When it is profiled, it must know where to write.
const profiles = process.env["SERVEHTTP_BENCH_PROFILES"];
const env = profiles === undefined ? {} : { SERVEHTTP_BENCH_PROFILES: profiles };
const host = createPluginHost({
  plugins: { bench: { command, carrier, env } },
  logger: false,
  ...(await observed(watched?.slice(watchedFlag.length) ?? "nothing")),
});
await host.start();
const [plugin] = host.plugins;
if (plugin?.carrier !== carrier) {
  throw new Error(`the plugin is ${plugin?.state}, over ${plugin?.carrier}`);
}
const server = createServer();
server.requestTimeout = 0;
// On a busy machine a load generator may leave a connection alone for longer than Node's 5 s.
server.keepAliveTimeout = 60_000;
host.attach(server);
announce(server, undefined, plugin.pid);
