import { expect } from "vitest";
import { seededBytes, sha256 } from "../../seeded-bytes.js";
import { callApp, textOf } from "../call-app.js";
import type { FrameworkFeature } from "../framework-feature.js";
import { StockWebSocket } from "../stock-web-socket.js";

/** ws 8 with `noServer`, as `servePlugin({ node, upgrade })`. */
export const wsFeatures: readonly FrameworkFeature[] = [
  {
    feature: "text, bytes, fragments, ping, close codes",
    works: "yes",
    how: "`sockets.handleUpgrade(request, socket, head, …)` in `upgrade`.",
    async check(app) {
      await using socket = await StockWebSocket.open(app, "/echo");
      socket.send("hello");
      expect(await socket.message()).toBe("hello");
      socket.sendFragments("frag", "ments");
      expect(await socket.message()).toBe("fragments");
      expect(await socket.ping("are you there")).toBe("are you there");
      expect(await socket.close(4002)).toBe(4002);
    },
  },
  {
    feature: "large messages, with `permessage-deflate`",
    works: "yes",
    how: "As `ws` negotiates it; 1 MiB and 5 MiB are compared by hash.",
    async check(app) {
      await using socket = await StockWebSocket.open(app, "/hash");
      expect(socket.extensions).toContain("permessage-deflate");
      for (const sizeBytes of [1_048_576, 5_242_880]) {
        const bytes = seededBytes("a message", sizeBytes);
        socket.send(bytes);
        expect(await socket.message()).toBe(sha256(bytes));
      }
    },
  },
  {
    feature: "subprotocols, `verifyClient`",
    works: "yes",
    how: "The client gets the refusal that `ws` writes.",
    async check(app) {
      await using socket = await StockWebSocket.open(app, "/echo", ["other", "chat"]);
      expect(socket.protocol).toBe("chat");
      await expect(StockWebSocket.open(app, "/refused")).rejects.toThrow(
        "Unexpected server response: 401",
      );
    },
  },
  {
    feature: "refusals by `socket.write` and `socket.destroy()`",
    works: "yes",
    how: "What was written before `destroy()` arrives.",
    check: (app) =>
      expect(StockWebSocket.open(app, "/unauthorised")).rejects.toThrow(
        "Unexpected server response: 401",
      ),
  },
  {
    feature: "either side closes or goes away",
    works: "yes",
    how: "The other side learns of it at once, by the close code, or by 1006.",
    async check(app) {
      await using closed = await StockWebSocket.open(app, "/closes");
      expect(await closed.closed()).toBe(4001);
      expect(textOf(await callApp(app, "/left"))).toBe("left");
      await using terminated = await StockWebSocket.open(app, "/terminates");
      expect(await terminated.closed()).toBe(1006);
      expect(textOf(await callApp(app, "/left"))).toBe("left");
      const leaving = await StockWebSocket.open(app, "/echo");
      leaving.terminate();
      expect(textOf(await callApp(app, "/left"))).toBe("left");
    },
  },
  {
    feature: "requests that are no upgrade",
    works: "yes",
    how: "`node` answers them.",
    async check(app) {
      expect((await callApp(app, "/echo")).status).toBe(426);
    },
  },
];
