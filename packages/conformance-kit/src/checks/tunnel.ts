import type { Check } from "./check.js";
import { expectEqual } from "./expect.js";
import { field } from "./request.js";
import type { Scene, Stepping } from "./scene.js";

/** An upgrade request, as a host admits it. */
const upgrade = {
  hijackable: true,
  headers: [field("Connection", "Upgrade"), field("Upgrade", "websocket")],
};

/** Connections that the handler takes over. */
export const tunnelChecks: readonly Check[] = [
  {
    id: "T1.raw",
    text: "The bytes of a tunnel are the plugin's and the client's own, both ways, as they are.",
    async run(scene) {
      const { exchange } = await tunnelOf(scene);
      const bytes = Buffer.concat([Buffer.from("HTTP/1.1 200\n\nOK"), scene.random(300_000)]);
      for (let at = 0; at < bytes.length; at += 40_000) {
        await exchange.send({ tunnelChunk: bytes.subarray(at, at + 40_000) });
      }
      await exchange.until("the echo of all bytes", () => {
        return exchange.tunnel.length >= bytes.length || exchange.isOver;
      });
      expectEqual(exchange.tunnel.equals(bytes), true, "the bytes that came back are those sent");
      expectEqual(
        exchange.longestChunkBytes <= 65_536,
        true,
        "no chunk is longer than 65,536 bytes",
      );
      await exchange.send({ tunnelEnd: true });
      await exchange.until("tunnel_end", () => exchange.isOver);
      expectEqual(exchange.hasTunnelEnded, true, "tunnel_end came");
    },
  },
  {
    id: "T3.head",
    text: "What the client sent behind its upgrade request comes first.",
    async run(scene) {
      const { exchange } = await tunnelOf(scene, Buffer.from("first "));
      await exchange.send({ tunnelChunk: Buffer.from("second") });
      await exchange.until("the echo", () => exchange.tunnel.length >= 12 || exchange.isOver);
      expectEqual(exchange.tunnel.toString(), "first second", "the bytes");
      await exchange.send({ tunnelEnd: true });
      await exchange.over();
    },
  },
  {
    id: "T4.refused",
    text: "A refused upgrade is an ordinary response.",
    async run(scene) {
      const { exchange } = scene.steps(["status=403", "write=10"], upgrade);
      expectEqual((await exchange.complete()).status, 403, "the status");
      expectEqual(exchange.bodyBytes, 10, "the bytes of the body");
    },
  },
  {
    id: "T5.not-possible",
    text: "Where the client's connection can't be taken over, the handler learns it and can still answer.",
    async run(scene) {
      const { exchange } = scene.steps(["tunnel", "status=426", "write=10"]);
      expectEqual((await exchange.complete()).status, 426, "the status");
    },
  },
  {
    id: "T5.after-head",
    text: "A connection can't be taken over when the head has gone, and the response goes on.",
    async run(scene) {
      const { exchange } = scene.steps(["write=10", "flush", "tunnel", "write=10"], upgrade);
      expectEqual((await exchange.complete()).status, 200, "the status");
      expectEqual(exchange.bodyBytes, 20, "the bytes of the body");
    },
  },
  {
    id: "T6.half-close",
    text: "The client's half-close reaches the plugin, which can still send, and then ends its own half.",
    async run(scene) {
      const { key, exchange } = await tunnelOf(scene);
      await exchange.send({ tunnelChunk: scene.random(1_000), tunnelEnd: true });
      await exchange.until("tunnel_end", () => exchange.isOver);
      expectEqual([exchange.tunnel.length, exchange.hasTunnelEnded], [1_000, true], "what came");
      await scene.untilSeen(key, "the handler's return", ({ state }) => state === "returned");
    },
  },
  {
    id: "T6.client-gone",
    text: "When the client has gone, the tunnel ends at the plugin.",
    async run(scene) {
      const { key, exchange } = await tunnelOf(scene);
      await exchange.send({ tunnelChunk: Buffer.from("here") });
      await exchange.until("the echo", () => exchange.tunnel.length === 4 || exchange.isOver);
      exchange.reset("client-disconnected");
      await scene.untilSeen(key, "the handler's end", ({ state }) => state !== "running");
    },
  },
];

/** A tunnel that the plugin has taken over. Before that, a host sends none of its bytes. */
async function tunnelOf(scene: Scene, tunnelHead?: Buffer): Promise<Stepping> {
  const stepping = scene.steps(["tunnel"], { ...upgrade, ...(tunnelHead && { tunnelHead }) });
  const { exchange } = stepping;
  await exchange.until("hijack", () => exchange.isHijacked || exchange.isOver);
  expectEqual([exchange.isHijacked, exchange.head], [true, undefined], "hijack, and no head");
  return stepping;
}
