import { expect } from "vitest";
import { callApp, jsonOf, jsonRequest, textOf } from "../call-app.js";
import type { FrameworkFeature } from "../framework-feature.js";
import { StockWebSocket } from "../stock-web-socket.js";
import {
  answersAsDirectly,
  answersConditions,
  seesFacts,
  sendsEventsUntilLeft,
  sendsLargeFile,
  servesFiles,
  servesRanges,
  takesLargeForm,
} from "./checks.js";

/** Fastify 5, as `servePlugin(app.server)` after `await app.ready()`. */
export const fastifyFeatures: readonly FrameworkFeature[] = [
  {
    feature: "routes, schemas, body limits, errors, 404",
    works: "yes",
    how: "As they are.",
    async check(app) {
      await answersAsDirectly(app, [
        ["/sum", jsonRequest({ a: 1 })],
        ["/sum", jsonRequest({ a: 1, b: 2 })],
        ["/small", jsonRequest("x".repeat(2_000))],
        ["/small", { body: "<a/>", headers: { "content-type": "text/xml" } }],
        ["/throws"],
        ["/none"],
      ]);
      expect(jsonOf(await callApp(app, "/sum", jsonRequest({ a: 1, b: 2 })))).toEqual({ sum: 3 });
      expect((await callApp(app, "/sum", jsonRequest({ a: 1 }))).status).toBe(400);
    },
  },
  {
    feature: "`request.url`, `ip`, `protocol`, `hostname`, `query`",
    works: "yes",
    how: "As directly, without `trustProxy`; `url` is without `/plugins/{id}`, `originalUrl` with it.",
    check: (app) =>
      seesFacts(app, {
        method: "GET",
        url: "/facts?a=1&b=x%20y",
        originalUrl: `${app.base}/facts?a=1&b=x%20y`,
        ip: "127.0.0.1",
        protocol: "http",
        hostname: "app.test",
        port: 81,
        query: { a: "1", b: "x y" },
      }),
  },
  {
    feature: "uploads of forms, streamed",
    by: ["@fastify/multipart"],
    works: "yes",
    how: "As it is; 20 MiB are compared by hash.",
    check: (app) => takesLargeForm(app, { name: "file.bin" }),
  },
  {
    feature: "static files: ranges, ETag, Last-Modified, HEAD",
    by: ["@fastify/static"],
    works: "yes",
    how: "As it is.",
    async check(app) {
      await servesFiles(app, "/files");
      await servesRanges(app, "/files");
      await answersConditions(app, "/files/text.txt");
      await answersAsDirectly(app, [
        ["/files/text.txt"],
        ["/files/text.txt", { headers: { range: "bytes=-5" } }],
      ]);
    },
  },
  {
    feature: "replies with streams, trailers",
    works: "yes",
    how: "`reply.send(stream)`, `reply.trailer`.",
    async check(app) {
      await sendsLargeFile(app, "/download");
      const trailing = await callApp(app, "/trailers");
      expect([textOf(trailing), trailing.trailers]).toEqual(["body", { "x-sum": "7" }]);
    },
  },
  {
    feature: "server-sent events",
    works: "yes",
    how: "`reply.hijack()` and `reply.raw`; `close` comes when the client has left.",
    check: (app) => sendsEventsUntilLeft(app, { events: "/events", left: "/left" }),
  },
  {
    feature: "WebSockets",
    by: ["@fastify/websocket"],
    works: "yes",
    how: "As it is, because the plugin serves `app.server`.",
    async check(app) {
      await using socket = await StockWebSocket.open(app, "/socket");
      expect(await socket.message()).toBe("at /socket");
      socket.send("hello");
      expect(await socket.message()).toBe("hello");
      expect(await socket.close(1000)).toBe(1000);
    },
  },
  {
    feature: "`app.listen`, and what hangs on `listening`",
    works: "no",
    how: "A plugin does not listen: call `app.ready()`, and leave clients, time-outs and TLS to the host. `onListen` hooks don't run.",
    targets: ["stream", "mux"],
    async check(app) {
      const address = await callApp(app, "/address");
      expect(jsonOf(address)).toEqual({ address: null, hasListened: false });
    },
  },
];
