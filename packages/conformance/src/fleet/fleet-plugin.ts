import { servePlugin } from "@servehttp/plugin-sdk";
import { serveBytes } from "../faults/serve-bytes.js";

/**
 * Instances of a plugin: `node fleet-plugin.js PORT ADDRESS...`, one at each of these addresses, all at one port; with
 * port 0, at a free one. Each does what `serve-bytes.ts` says, and else answers with its address. Once all of them listen,
 * the process prints the port.
 */
const [port = "0", ...addresses] = process.argv.slice(2);
let chosen = port;
for (const address of addresses) {
  const plugin = await servePlugin(
    {
      async serveHTTP(request, response) {
        if (!(await serveBytes(request, response))) {
          await response.end(address);
        }
      },
    },
    { address: `${address.includes(":") ? `[${address}]` : address}:${chosen}` },
  );
  chosen = /:(\d+)$/.exec(plugin.address)?.[1] ?? chosen;
}
console.log(chosen);
