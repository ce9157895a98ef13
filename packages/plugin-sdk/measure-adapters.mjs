// What one small exchange costs in a plugin by the style of its handler, beside other ways to run a listener without a
// socket. After a build: npm run measure --workspace=@servehttp/plugin-sdk
import { createServer, get } from "node:http";
import { duplexPair } from "node:stream";
import express from "express";
import inject from "light-my-request";
import { dispatchExchange } from "./dist/exchange/dispatcher.js";
import { toServeHTTP } from "./dist/adapters/to-serve-http.js";
import { RunningHandlers } from "./dist/exchange/running-handlers.js";

const init = {
  method: "GET",
  url: "/",
  requestUri: "/",
  basePath: "",
  fullPath: false,
  protocol: "HTTP/1.1",
  protocolMajor: 1,
  protocolMinor: 1,
  host: "plugin.test",
  remoteAddress: "192.0.2.1:50000",
  headers: ["user-agent", "measure", "accept", "*/*", "accept-encoding", "gzip", "x-user-id", "7"],
  contentLength: 0,
  deadlineUnixMs: 0,
  requestId: "measure",
  context: {},
  scheme: "http",
  expectContinue: false,
  hijackable: false,
};
const end = { trailers: [] };
const options = { logger: console, running: new RunningHandlers() };

function inPlugin(handler) {
  const serveHTTP = toServeHTTP(handler);
  return () =>
    new Promise((resolve, reject) => {
      const channel = {
        send(parts) {
          if (parts.end !== undefined) {
            resolve();
          }
        },
        reset: reject,
      };
      void dispatchExchange(channel, serveHTTP, options).receive({ init, end });
    });
}

function listener(_incoming, outgoing) {
  outgoing.setHeader("content-type", "text/plain");
  outgoing.end("hello");
}

const app = express().get("/", (_request, response) => response.type("text/plain").send("hello"));
const server = createServer(listener);

const cases = {
  serveHTTP: inPlugin({
    async serveHTTP(_request, response) {
      response.headers.set("content-type", "text/plain");
      await response.end("hello");
    },
  }),
  fetch: inPlugin({
    fetch: () => new Response("hello", { headers: { "content-type": "text/plain" } }),
  }),
  "node, a listener": inPlugin({ node: listener }),
  "node, an Express app": inPlugin({ node: app }),
  "light-my-request, a listener": () => inject(listener, { url: "/" }),
  "light-my-request, payloadAsStream": async () => {
    const response = await inject(listener, { url: "/", payloadAsStream: true });
    await response.stream().resume().toArray();
  },
  "node:http at both ends of a duplexPair": () =>
    new Promise((resolve, reject) => {
      const [client, host] = duplexPair();
      server.emit("connection", host);
      get({ createConnection: () => client, headers: { connection: "close" } }, (response) => {
        response.resume().on("end", resolve);
      }).on("error", reject);
    }),
};

const roundCount = 8;
const exchangesPerRound = 6_400;
const exchangesAtOnce = 64;
const costs = new Map(Object.keys(cases).map((name) => [name, []]));
for (let round = 0; round < roundCount; round += 1) {
  for (const [name, run] of Object.entries(cases)) {
    const before = process.cpuUsage();
    for (let done = 0; done < exchangesPerRound; done += exchangesAtOnce) {
      await Promise.all(Array.from({ length: exchangesAtOnce }, run));
    }
    const { user, system } = process.cpuUsage(before);
    // The first round warms up.
    if (round > 0) {
      costs.get(name).push((user + system) / exchangesPerRound);
    }
  }
}
for (const [name, microseconds] of costs) {
  microseconds.sort((a, b) => a - b);
  const [least, median, most] = [0, 3, 6].map((i) => microseconds[i].toFixed(1));
  process.stdout.write(`${name.padEnd(40)} ${median.padStart(6)} µs (${least} to ${most})\n`);
}
process.exit(0);
