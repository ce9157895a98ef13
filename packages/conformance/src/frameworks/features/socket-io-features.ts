import { once } from "node:events";
import { io, type Socket } from "socket.io-client";
import { expect } from "vitest";
import { seededBytes, sha256 } from "../../seeded-bytes.js";
import { callApp, textOf } from "../call-app.js";
import type { FrameworkFeature } from "../framework-feature.js";
import type { AppAddress } from "../served-app.js";

const clientPath = 'The client needs `path: "/plugins/{id}/socket.io"`.';

/** socket.io 4, as `servePlugin(server)` of a server that never listens. */
export const socketIoFeatures: readonly FrameworkFeature[] = [
  {
    feature: "long polling",
    works: "yes",
    how: clientPath,
    check: (app) => talks(app, ["polling"]),
  },
  {
    feature: "WebSocket",
    works: "yes",
    how: clientPath,
    check: (app) => talks(app, ["websocket"]),
  },
  {
    feature: "long polling that goes over to WebSocket",
    works: "yes",
    how: "As it is.",
    async check(app) {
      using client = connectClient(app, ["polling", "websocket"]);
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
    async check(app) {
      using first = connectClient(app, ["websocket"]);
      using second = connectClient(app, ["websocket"], "/second");
      await first.socket.emitWithAck("join", "room");
      const told = once(first.socket as never, "told");
      first.socket.emit("tell", "room", "news");
      expect(await told).toEqual(["news"]);
      expect(await second.socket.emitWithAck("where")).toBe("/second");
      expect(textOf(await callApp(app, "/page"))).toBe("beside");
    },
  },
];

/** Text and 1 MB of bytes there and back. */
async function talks(app: AppAddress, transports: readonly string[]): Promise<void> {
  using client = connectClient(app, transports);
  expect(await client.socket.emitWithAck("echo", "hello")).toBe("hello");
  const bytes = seededBytes("socket.io", 1_000_000);
  const echoed = (await client.socket.emitWithAck("echo", bytes)) as Uint8Array;
  expect(sha256(echoed)).toBe(sha256(bytes));
}

function connectClient(
  app: AppAddress,
  transports: readonly string[],
  namespace = "",
): Disposable & { readonly socket: Socket } {
  const socket = io(`http://127.0.0.1:${app.port}${namespace}`, {
    path: `${app.base}/socket.io`,
    transports: [...transports],
    reconnection: false,
    forceNew: true,
  });
  return { socket, [Symbol.dispose]: () => void socket.disconnect() };
}
