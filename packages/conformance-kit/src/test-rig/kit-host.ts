/**
 * A host with the kit's plugin, and, where it is told `--buffering`, a proxy in front of it that gets much
 * wrong: it passes on a response when it has all of it, takes one that breaks off for whole, and tells
 * the host of no client that leaves.
 *
 *     node kit-host.js PLUGIN PORT [--buffering]
 */
import { once } from "node:events";
import { createServer, type IncomingMessage, request, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { createPluginHost } from "@servehttp/host-bridge";

const [, , url = "", port = "", buffering] = process.argv;
const host = createPluginHost({ plugins: { kit: { url } }, logger: false });
await host.start();
const server = createServer();
host.attach(server);
if (buffering === "--buffering") {
  await once(server.listen(0, "127.0.0.1"), "listening");
  const behind = (server.address() as AddressInfo).port;
  createServer((asked, answered) => passOn(asked, answered, behind)).listen(
    Number(port),
    "127.0.0.1",
  );
} else {
  server.listen(Number(port), "127.0.0.1");
}

function passOn(asked: IncomingMessage, answered: ServerResponse, behind: number): void {
  const { method = "", url: path = "", headers } = asked;
  const sent = request({ host: "127.0.0.1", port: behind, method, path, headers });
  asked.on("error", () => undefined);
  asked.pipe(sent);
  sent.on("error", () => answered.writeHead(502).end());
  sent.on("response", (response) => {
    const chunks: Buffer[] = [];
    response.on("data", (chunk: Buffer) => chunks.push(chunk));
    response.on("error", () => undefined);
    response.on("close", () =>
      answered.writeHead(response.statusCode ?? 502).end(Buffer.concat(chunks)),
    );
  });
}
