import { expect } from "vitest";
import { seededBytes, sha256 } from "../../seeded-bytes.js";
import { callSite, textOf } from "../call-site.js";
import type { FrameworkFeature } from "../framework-feature.js";
import { StockWebSocket } from "../stock-web-socket.js";

/** ws 8 with `noServer`, as `servePlugin({ node, upgrade })`. */
export const wsFeatures: readonly FrameworkFeature[] = [
  {
    feature: "text, bytes, fragments, ping, close codes",
    works: "yes",
    how: "`sockets.handleUpgrade(request, socket, head, …)` in `upgrade`.",
    async check(site) {
      await using socket = await StockWebSocket.open(site, "/echo");
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
    async check(site) {
      await using socket = await StockWebSocket.open(site, "/hash");
      expect(socket.extensions).toContain("permessage-deflate");
      for (const sizeBytes of [1_048_576, 5_242_880]) {
        const octets = seededBytes("a message", sizeBytes);
        socket.send(octets);
        expect(await socket.message()).toBe(sha256(octets));
      }
    },
  },
  {
    feature: "subprotocols, `verifyClient`",
    works: "yes",
    how: "The client gets the refusal that `ws` writes.",
    async check(site) {
      await using socket = await StockWebSocket.open(site, "/echo", ["other", "chat"]);
      expect(socket.protocol).toBe("chat");
      await expect(StockWebSocket.open(site, "/refused")).rejects.toThrow(
        "Unexpected server response: 401",
      );
    },
  },
  {
    feature: "refusals by `socket.write` and `socket.destroy()`",
    works: "yes",
    how: "What was written before `destroy()` arrives.",
    check: (site) =>
      expect(StockWebSocket.open(site, "/unauthorised")).rejects.toThrow(
        "Unexpected server response: 401",
      ),
  },
  {
    feature: "either side closes or goes away",
    works: "yes",
    how: "The other side learns of it at once, by the close code, or by 1006.",
    async check(site) {
      await using closed = await StockWebSocket.open(site, "/closes");
      expect(await closed.closed()).toBe(4001);
      expect(textOf(await callSite(site, "/left"))).toBe("left");
      await using terminated = await StockWebSocket.open(site, "/terminates");
      expect(await terminated.closed()).toBe(1006);
      expect(textOf(await callSite(site, "/left"))).toBe("left");
      const leaving = await StockWebSocket.open(site, "/echo");
      leaving.terminate();
      expect(textOf(await callSite(site, "/left"))).toBe("left");
    },
  },
  {
    feature: "requests that are no upgrade",
    works: "yes",
    how: "`node` answers them.",
    async check(site) {
      expect((await callSite(site, "/echo")).status).toBe(426);
    },
  },
];
