#!/usr/bin/env bash
# Installs, builds and tries examples in a browser, and writes what it found into
# docs/frameworks.md. Arguments go to Vitest: `-t nextjs` runs one example.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
report=$(mktemp)
trap 'rm -f "$report"' EXIT
vitest run --config vitest.examples.config.ts --reporter=verbose --reporter=json \
  --outputFile.json="$report" "$@"
status=$?
node dist/examples/write-results.js "$report" && exit "$status"
