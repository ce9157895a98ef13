#!/usr/bin/env bash
# graphql-yoga 5.24.1 as a listener of node:http: where a framework has mounted it, it matches its endpoint with `originalUrl`, the
# whole path, and not with `url`, what the framework has left of it. Mounted at /api, it answers /api/graphql with 404 unless its
# graphqlEndpoint is told the whole path.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --silent --no-audit --no-fund --ignore-scripts --prefix . graphql@16.14.2 graphql-yoga@5.24.1 express@5.2.1 >/dev/null
cat >mounted.mjs <<'JS'
import { createServer } from "node:http";
import express from "express";
import { createSchema, createYoga } from "graphql-yoga";
const schema = createSchema({ typeDefs: "type Query { a: Int }", resolvers: { Query: { a: () => 1 } } });
for (const graphqlEndpoint of ["/graphql", "/api/graphql"]) {
  const app = express();
  app.use("/api", createYoga({ schema, graphqlEndpoint, logging: false }));
  const server = createServer(app);
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${server.address().port}/api/graphql?query={a}`;
  const { status } = await fetch(url, { headers: { accept: "application/json" } });
  console.log(`graphqlEndpoint ${graphqlEndpoint}: ${status}`);
  server.close();
}
JS
seen=$(node mounted.mjs)
printf '%s\n' "$seen"
[ "$seen" = $'graphqlEndpoint /graphql: 404\ngraphqlEndpoint /api/graphql: 200' ]
