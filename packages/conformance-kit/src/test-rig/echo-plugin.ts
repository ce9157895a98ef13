/**
 * A plugin for the core of the kit: it echoes. Told `--trusting`, it takes an upload that was cut off for
 * whole.
 */
import { servePlugin } from "@servehttp/plugin-sdk";

const isTrusting = process.argv.includes("--trusting");
let cuts = 0;

await servePlugin(
  {
    async serveHTTP({ url, body }, response) {
      if (url.endsWith("?fail")) {
        throw new Error("as asked");
      }
      if (url === "/cut") {
        await response.end(String(cuts));
        return;
      }
      await response.flush();
      try {
        for await (const chunk of body) {
          await response.write(chunk);
        }
      } catch (error) {
        if (!isTrusting) {
          cuts += 1;
          throw error;
        }
      }
    },
  },
  { logger: false },
);
