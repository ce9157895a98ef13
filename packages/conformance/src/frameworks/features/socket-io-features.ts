import { once } from "node:events";
import { io, type Socket } from "socket.io-client";
import { expect } from "vitest";
import { seededBytes, sha256 } from "../../seeded-bytes.js";
import { callSite, textOf } from "../call-site.js";
import type { FrameworkFeature } from "../framework-feature.js";
import type { Site } from "../site.js";

const clientPath = 'The client needs `path: "/plugins/{id}/socket.io"`.';

/** socket.io 4, as `servePlugin(server)` of a server that never listens. */
export const socketIoFeatures: readonly FrameworkFeature[] = [
  {
    feature: "long polling",
    works: "yes",
    how: clientPath,
    check: (site) => talks(site, ["polling"]),
  },
  {
    feature: "WebSocket",
    works: "yes",
    how: clientPath,
    check: (site) => talks(site, ["websocket"]),
  },
  {
    feature: "long polling that goes over to WebSocket",
    works: "yes",
    how: "As it is.",
    async check(site) {
      using client = connectClient(site, ["polling", "websocket"]);
      const { socket } = client;
      await once(socket as never, "connect");
      const { engine } = socket.io;
      if (engine.transport.name !== "websocket") {
        await once(engine as never, "upgrade");
      }
      expect(engine.transport.name).toBe("websocket");
      expect(await socket.emitWithAck("echo", "hello")).toBe("hello");
    },
  },
  {
    feature: "rooms, namespaces, and routes beside it",
    works: "but",
    how: "Each process has rooms of its own. With several `instances` it needs an adapter and sticky clients, as it does anywhere.",
    async check(site) {
      using first = connectClient(site, ["websocket"]);
      using second = connectClient(site, ["websocket"], "/second");
      await first.socket.emitWithAck("join", "room");
      const told = once(first.socket as never, "told");
      first.socket.emit("tell", "room", "news");
      expect(await told).toEqual(["news"]);
      expect(await second.socket.emitWithAck("where")).toBe("/second");
      expect(textOf(await callSite(site, "/page"))).toBe("beside");
    },
  },
];

/** Text and 1 MB of bytes there and back. */
async function talks(site: Site, transports: readonly string[]): Promise<void> {
  using client = connectClient(site, transports);
  expect(await client.socket.emitWithAck("echo", "hello")).toBe("hello");
  const octets = seededBytes("socket.io", 1_000_000);
  const echoed = (await client.socket.emitWithAck("echo", octets)) as Uint8Array;
  expect(sha256(echoed)).toBe(sha256(octets));
}

function connectClient(
  site: Site,
  transports: readonly string[],
  namespace = "",
): Disposable & { readonly socket: Socket } {
  const socket = io(`http://127.0.0.1:${site.port}${namespace}`, {
    path: `${site.base}/socket.io`,
    transports: [...transports],
    reconnection: false,
    forceNew: true,
  });
  return { socket, [Symbol.dispose]: () => void socket.disconnect() };
}
