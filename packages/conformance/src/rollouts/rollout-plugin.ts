import { setTimeout as delay } from "node:timers/promises";
import { servePlugin } from "@servehttp/plugin-sdk";

/** The plugin of the rollouts: answers at once, after half a second at `/slow`, and with 64 KiB at `/large`. */
const large = "x".repeat(65_536);

const plugin = await servePlugin({
  async serveHTTP(request, response) {
    if (request.url === "/slow") {
      await delay(500);
    }
    await response.end(request.url === "/large" ? large : "ok");
  },
});
console.log(`the plugin is at ${plugin.address}`);
