import { createHash } from "node:crypto";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { type PluginRequest, type ResponseWriter, servePlugin } from "@servehttp/plugin-sdk";
import { Observer } from "../observation/observer.js";
import { seededChunks } from "../seeded-bytes.js";

/**
 * The plugin of the tunnels: `node tunnel-plugin.js OBSERVATION_SOCKET`.
 *
 *     POST /echo                       the body, chunk by chunk as it comes
 *     GET  /tunnel/{key}?bytes=N       takes the connection over and sends the bytes of the seed
 *                                      `plugin {key}` while it reads; after the client's end it
 *                                      sends the SHA-256, in hex, of what it read
 *     GET  /tunnel/{key}?bytes=N&held  the same, but reads nothing until the gate "read" is open
 */
const [, , observationPath = ""] = process.argv;
const reportedEveryBytes = 1_048_576;
const observer = await Observer.connect(observationPath, "plugin");
await servePlugin({
  async serveHTTP(request, response) {
    observer.tally.running += 1;
    try {
      await (request.url === "/echo" ? echo(request, response) : tunnel(request, response));
    } finally {
      observer.tally.running -= 1;
    }
  },
});

async function echo(request: PluginRequest, response: ResponseWriter): Promise<void> {
  for await (const chunk of request.body) {
    await response.write(chunk);
  }
}

async function tunnel(request: PluginRequest, response: ResponseWriter): Promise<void> {
  const { pathname, searchParams } = new URL(request.url, "http://plugin");
  const key = pathname.slice("/tunnel/".length);
  const { socket, head } = await response.hijack();
  socket.write("HTTP/1.1 200 OK\r\n\r\n");
  const receive = async () => {
    if (searchParams.has("held")) {
      await observer.gate(key, "read");
    }
    const hash = createHash("sha256").update(head);
    for await (const chunk of socket) {
      hash.update(chunk as Buffer);
    }
    return hash.digest("hex");
  };
  const bytes = Readable.from(reported(key, Number(searchParams.get("bytes"))));
  const [received] = await Promise.all([receive(), pipeline(bytes, socket, { end: false })]);
  socket.end(received);
}

/** Reports each MiB that the socket has taken. */
function* reported(key: string, sizeBytes: number): Generator<Uint8Array> {
  let takenBytes = 0;
  for (const chunk of seededChunks(`plugin ${key}`, sizeBytes)) {
    yield chunk;
    takenBytes += chunk.byteLength;
    if (takenBytes % reportedEveryBytes === 0) {
      observer.event(key, "sent a MiB");
    }
  }
}
