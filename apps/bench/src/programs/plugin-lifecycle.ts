/**
 * The plugin of the lifecycle runs: `/bytes` of a length and a seed, `/events` without an end, and
 * tunnels that send back what they get. With `LIFECYCLE_WORK_MS` it uses so much processor time
 * before it listens.
 */
import type { Duplex } from "node:stream";
import { servePlugin } from "@servehttp/plugin-sdk";

import { seededBytes } from "../load/seeded-bytes.js";

/** A WebSocket's close frame with the code 1012, service restart (RFC 6455, section 5.5.1). */
const closeFrame = Buffer.from([0x88, 0x02, 0x03, 0xf4]);

const eventMs = 100;
const tunnels = new Set<Duplex>();

const workUs = Number(process.env["LIFECYCLE_WORK_MS"] ?? 0) * 1_000;
for (let spentUs = 0; spentUs < workUs;) {
  const { user, system } = process.cpuUsage();
  spentUs = user + system;
}

process.on("SIGTERM", () => {
  for (const socket of tunnels) {
    socket.end(closeFrame);
  }
});

await servePlugin({
  async serveHTTP(request, response) {
    const url = new URL(request.url, "http://plugin");
    switch (url.pathname) {
      case "/bytes": {
        let left = Number(url.searchParams.get("count"));
        for (const block of seededBytes(Number(url.searchParams.get("seed")))) {
          await response.write(block.subarray(0, left));
          left -= block.length;
          if (left <= 0) {
            break;
          }
        }
        await response.end();
        return;
      }
      case "/events":
        response.headers.set("content-type", "text/event-stream");
        while (!request.signal.aborted) {
          await response.write("data: x\n\n");
          await new Promise((resolve) => setTimeout(resolve, eventMs));
        }
        return;
      case "/tunnel": {
        const { socket } = await response.hijack();
        socket.write("HTTP/1.1 101 Switching Protocols\r\n\r\n");
        tunnels.add(socket);
        socket.once("close", () => tunnels.delete(socket));
        socket.on("error", () => undefined);
        socket.pipe(socket);
        return;
      }
      default:
        response.writeHead(404);
    }
  },
});
