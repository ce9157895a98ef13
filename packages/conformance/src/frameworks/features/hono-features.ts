import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { expect } from "vitest";
import { callApp, cookiesOf, jsonOf, jsonRequest, openRequest, textOf } from "../call-app.js";
import type { FrameworkFeature } from "../framework-feature.js";
import { StockWebSocket } from "../stock-web-socket.js";
import {
  answersAsDirectly,
  compressesText,
  knowsClient,
  sendsEventsUntilLeft,
  servesFiles,
  servesRanges,
  takesLargeForm,
  takesStream,
} from "./checks.js";

/** Hono 4, as `servePlugin(app)`. */
export const honoFeatures: readonly FrameworkFeature[] = [
  {
    feature: "routes, JSON, body limits, basic auth, `onError`, 404",
    works: "yes",
    how: "As they are.",
    async check(app) {
      const authorization = `Basic ${Buffer.from("ada:secret").toString("base64")}`;
      await answersAsDirectly(app, [
        ["/json", jsonRequest({ a: 1 })],
        ["/json", jsonRequest("x".repeat(2_000))],
        ["/private"],
        ["/private", { headers: { authorization } }],
        ["/throws"],
        ["/none"],
      ]);
      expect((await callApp(app, "/throws")).status).toBe(503);
      expect(textOf(await callApp(app, "/private", { headers: { authorization } }))).toBe(
        "private",
      );
    },
  },
  {
    feature: "`c.req.url`",
    works: "yes",
    how: "Absolute, with the client's Host and without `/plugins/{id}`.",
    async check(app) {
      const headers = { host: "app.test:81" };
      const facts = jsonOf(await callApp(app, "/facts?a=1", { headers }));
      expect(facts).toEqual({
        method: "GET",
        url: "http://app.test:81/facts?a=1",
        path: "/facts",
        query: { a: "1" },
      });
    },
  },
  {
    feature: "who the client is, `c.env`",
    works: "but",
    how:
      "`c.env` is what servehttp knows: `context`, `requestUri`, `remoteAddress`, `deadline`, `request`. " +
      "It is not that of `@hono/node-server`.",
    targets: ["stream", "mux"],
    check: knowsClient,
  },
  {
    feature: "`streamSSE`, `stream.onAbort`",
    works: "yes",
    how: "Each event goes out at once; `onAbort` is called when the client has left.",
    check: (app) => sendsEventsUntilLeft(app, { events: "/events", left: "/left" }),
  },
  {
    feature: "uploads of forms",
    works: "but",
    how: "`c.req.parseBody()` holds the whole form in memory; that is Hono's design. 20 MiB are compared by hash.",
    check: (app) => takesLargeForm(app, { name: "file.bin" }),
  },
  {
    feature: "streamed bodies both ways",
    works: "yes",
    how: "`c.req.raw.body` and `c.body(stream)`, at the pace of the slower; both run at once.",
    async check(app) {
      await takesStream(app, "/hash");
      const echo = openRequest(app, "/echo", { method: "POST" });
      echo.write("first");
      const [response] = (await once(echo, "response")) as [IncomingMessage];
      const [first] = (await once(response, "data")) as [Buffer];
      expect(first.toString()).toBe("first");
      echo.end("second");
      expect((await response.toArray()).join("")).toBe("second");
    },
  },
  {
    feature: "static files",
    by: ["@hono/node-server"],
    works: "yes",
    how: "`serveStatic` of `@hono/node-server/serve-static`, with ranges.",
    async check(app) {
      await servesFiles(app, "/files");
      await servesRanges(app, "/files");
    },
  },
  {
    feature: "`etag`, `compress`, `cors`",
    works: "yes",
    how: "As they are.",
    async check(app) {
      const tagged = await callApp(app, "/tagged");
      const { etag = "" } = tagged.headers;
      const fresh = await callApp(app, "/tagged", { headers: { "if-none-match": etag } });
      expect([tagged.status, fresh.status, fresh.body.length]).toEqual([200, 304, 0]);
      await compressesText(app, "/compressed");
      const origin = "https://other.test";
      const preflight = { origin, "access-control-request-method": "PUT" };
      await answersAsDirectly(app, [
        ["/shared", { headers: { origin } }],
        ["/shared", { method: "OPTIONS", headers: preflight }],
        ["/tagged"],
      ]);
      const shared = await callApp(app, "/shared", { headers: { origin } });
      expect(shared.headers["access-control-allow-origin"]).toBe(origin);
    },
  },
  {
    feature: "signed cookies",
    works: "yes",
    how: "Each `Set-Cookie` is a line of its own.",
    async check(app) {
      const login = await callApp(app, "/login", { method: "POST" });
      expect([login.status, login.headers["set-cookie"]?.length]).toEqual([204, 2]);
      const cookie = cookiesOf(login);
      expect(textOf(await callApp(app, "/me", { headers: { cookie } }))).toBe("ada");
      const forged = cookie.replace("user=ada", "user=eve");
      expect(textOf(await callApp(app, "/me", { headers: { cookie: forged } }))).toBe("false");
    },
  },
  {
    feature: "`upgradeWebSocket`",
    by: ["@hono/node-server"],
    works: "no",
    how: "A fetch handler answers with a `Response`, which can't have status 101. Serve the app as a server of Node's, as below.",
    targets: ["stream", "mux"],
    async check(app) {
      await expect(StockWebSocket.open(app, "/socket")).rejects.toThrow(
        /Unexpected server response: [45]\d\d/,
      );
    },
  },
];

/** Hono 4 as a server of Node's that never listens, `servePlugin(createAdaptorServer({ … }))`. */
export const honoServerFeatures: readonly FrameworkFeature[] = [
  {
    feature: "`upgradeWebSocket`",
    by: ["@hono/node-server", "ws"],
    works: "yes",
    how: "`createAdaptorServer({ fetch: app.fetch, websocket: { server: new WebSocketServer({ noServer: true }) } })`.",
    async check(app) {
      await using socket = await StockWebSocket.open(app, "/socket");
      socket.send("hello");
      expect(await socket.message()).toBe("hello");
    },
  },
  {
    feature: "who the client is, `c.env`",
    by: ["@hono/node-server"],
    works: "but",
    how: "`c.env` is that of `@hono/node-server`; `pluginRequestOf(c.env.incoming)` has what servehttp knows.",
    targets: ["stream", "mux"],
    check: knowsClient,
  },
  {
    feature: "bodies, forms, events, files, compression",
    by: ["@hono/node-server"],
    works: "yes",
    how: "As above.",
    async check(app) {
      await takesStream(app, "/hash");
      await takesLargeForm(app, { name: "file.bin" });
      await compressesText(app, "/compressed");
      await servesFiles(app, "/files");
      await servesRanges(app, "/files");
      await sendsEventsUntilLeft(app, { events: "/events", left: "/left" });
    },
  },
];
