import { randomInt } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:net";

/**
 * A port of 127.0.0.1 that is free, and is none that the system gives to anybody who asks for any
 * port: these would be somebody else's a moment later.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(10_000, 30_000);
    const server = createServer().listen(port, "127.0.0.1");
    try {
      // oxlint-disable-next-line no-await-in-loop -- one port after the other
      await once(server, "listening");
    } catch {
      continue;
    }
    server.close();
    // oxlint-disable-next-line no-await-in-loop
    await once(server, "close");
    return port;
  }
}
