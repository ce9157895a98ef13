import { direct } from "./direct.js";
import { ghttp } from "./ghttp.js";
import { goReverseProxyToGo, servehttpToGo } from "./go-plugin.js";
import { goReverseProxy } from "./go-reverse-proxy.js";
import { haproxy } from "./haproxy.js";
import { mattermost } from "./mattermost.js";
import { nginx } from "./nginx.js";
import { nodeHost } from "./node-host.js";
import { nginxToUvicorn, servehttpToPython } from "./python-plugin.js";
import { rawTcpRelay } from "./raw-tcp-relay.js";
import { servehttp } from "./servehttp.js";
import { servehttpAddresses } from "./servehttp-addresses.js";
import { servehttpWorkers } from "./servehttp-workers.js";
import type { Target } from "./target.js";

/** Every target, in the order of the tables. */
export const allTargets: readonly Target[] = [
  direct,
  servehttp("mux"),
  servehttp("stream"),
  servehttp("mux", "metrics and access log"),
  servehttp("mux", "traces at 1 %"),
  servehttpWorkers(2),
  servehttpAddresses(1),
  servehttpAddresses(4),
  servehttpAddresses(4, 4),
  nginx,
  haproxy,
  goReverseProxy,
  nodeHost("undici", "host-undici"),
  nodeHost("http-proxy", "host-http-proxy"),
  nodeHost("@fastify/http-proxy", "host-fastify-http-proxy"),
  nodeHost("naive grpc-js", "host-naive-grpc-js", "plugin-naive-grpc-js"),
  nodeHost("naive connect-node", "host-naive-connect", "plugin-naive-connect"),
  rawTcpRelay,
  servehttpToGo("mux"),
  servehttpToGo("stream"),
  goReverseProxyToGo,
  mattermost,
  ghttp(),
  ghttp("streaming"),
  servehttpToPython("mux"),
  servehttpToPython("stream"),
  nginxToUvicorn,
];
