import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { createGunzip } from "node:zlib";
import { expect } from "vitest";
import {
  callApp,
  cookiesOf,
  formWithFile,
  jsonOf,
  jsonRequest,
  openAnswer,
  openRequest,
  textOf,
} from "../call-app.js";
import type { FrameworkFeature } from "../framework-feature.js";
import {
  answersAsDirectly,
  answersConditions,
  compressesText,
  knowsClient,
  seesFacts,
  sendsEventsUntilLeft,
  sendsLargeFile,
  servesFiles,
  servesRanges,
  takesLargeForm,
  takesStream,
} from "./checks.js";

/** Express 5, as `servePlugin({ node: app })`. */
export const expressFeatures: readonly FrameworkFeature[] = [
  {
    feature: "routes, JSON and forms, 404, error handlers",
    works: "yes",
    how: "As they are. `express.json()` and `express.urlencoded()` keep their limits.",
    async check(app) {
      const form = { "content-type": "application/x-www-form-urlencoded" };
      await answersAsDirectly(app, [
        ["/json", jsonRequest({ a: [1, "ü"] })],
        ["/json", { ...jsonRequest({}), body: "{" }],
        ["/json", jsonRequest("x".repeat(2_000))],
        ["/form", { headers: form, body: "a=1&b[]=2&b[]=3" }],
        ["/throws"],
        ["/facts", { method: "OPTIONS" }],
        ["/files/none"],
      ]);
      const parsed = await callApp(app, "/json", jsonRequest({ a: [1, "ü"] }));
      expect(jsonOf(parsed)).toEqual({ a: [1, "ü"] });
      expect((await callApp(app, "/throws")).status).toBe(500);
    },
  },
  {
    feature: "`req.url`, `req.ip`, `req.protocol`, `req.hostname`, `req.query`",
    works: "yes",
    how: "`req.url` is without `/plugins/{id}`, `req.originalUrl` with it; `req.ip` is the client's, with no `trust proxy` to set.",
    check: (app) =>
      seesFacts(app, {
        method: "GET",
        url: "/facts?a=1&b=x%20y",
        originalUrl: `${app.base}/facts?a=1&b=x%20y`,
        ip: "127.0.0.1",
        protocol: "http",
        hostname: "app.test",
        host: "app.test:81",
        query: { a: "1", b: "x y" },
      }),
  },
  {
    feature: "who the client is",
    works: "yes",
    how: "`pluginRequestOf(req)`: `context` is what the host knows of the client, `requestUri` is the target as it was sent.",
    targets: ["stream", "mux"],
    check: knowsClient,
  },
  {
    feature: "compression",
    by: ["compression"],
    works: "yes",
    how: "As it is; `res.flush()` sends what it holds back.",
    async check(app) {
      await compressesText(app, "/compressed/text");
      const events = await openAnswer(app, "/compressed/events", { "accept-encoding": "gzip" });
      const decoded = events.pipe(createGunzip());
      const [first] = (await once(decoded, "data")) as [Buffer];
      expect(first.toString()).toBe("data: 1\n\n");
      await callApp(app, "/compressed/go-on", { method: "POST" });
      expect(Buffer.concat(await decoded.toArray()).toString()).toBe("data: 2\n\n");
    },
  },
  {
    feature: "uploads of forms, to disk, with limits",
    by: ["multer"],
    works: "yes",
    how: "As it is; 20 MiB are compared by hash. The same holds for `busboy`, which multer uses.",
    async check(app) {
      await takesLargeForm(app, { title: "a title", size: 20_971_520 });
      const tooLarge = await formWithFile(new Uint8Array(100_000));
      expect((await callApp(app, "/uploads/small", tooLarge)).status).toBe(413);
    },
  },
  {
    feature: "static files: ranges, ETag, Last-Modified, HEAD",
    works: "yes",
    how: "`express.static`, `res.sendFile`, `res.download`, with the same fields as directly.",
    async check(app) {
      await servesFiles(app, "/files");
      await servesRanges(app, "/files");
      await answersConditions(app, "/files/text.txt");
      await answersAsDirectly(app, [
        ["/files/text.txt"],
        ["/files/text.txt", { headers: { range: "bytes=0-1,5-6" } }],
        ["/files/text.txt", { headers: { range: "bytes=-5" } }],
        ["/files/text.txt", { method: "HEAD" }],
        ["/files/%zz"],
      ]);
      const download = await sendsLargeFile(app, "/streams/download");
      expect(download.headers["content-disposition"]).toContain("filename*=UTF-8''gr%C3%B6%C3%9Fe");
    },
  },
  {
    feature: "logins with sessions in signed cookies",
    by: ["cookie-session"],
    works: "yes",
    how: "As it is. Cookies with `Path=/` go to the host and to every plugin: set `path`, or `edge.protectedCookies` in the host.",
    async check(app) {
      const body = "user=ada";
      const headers = { "content-type": "application/x-www-form-urlencoded" };
      const login = await callApp(app, "/sessions/login", { body, headers });
      expect([login.status, login.headers.location]).toEqual([303, "me"]);
      const cookie = cookiesOf(login);
      expect(login.headers["set-cookie"]).toHaveLength(2);
      const me = await callApp(app, "/sessions/me", { headers: { cookie } });
      expect(jsonOf(me)).toEqual({ user: "ada" });
      const forged = cookie.replace("key=", "key=x");
      const stranger = await callApp(app, "/sessions/me", { headers: { cookie: forged } });
      expect(jsonOf(stranger)).toEqual({ user: null });
      const logout = await callApp(app, "/sessions/logout", {
        method: "POST",
        headers: { cookie },
      });
      expect(logout.status).toBe(204);
      expect(cookiesOf(logout)).toMatch(/key=;/);
    },
  },
  {
    feature: "sessions in a store",
    by: ["express-session"],
    works: "but",
    how: "Each process has a store in memory of its own, and loses it in a restart. With several `instances`, use a shared store.",
    async check(app) {
      const first = await callApp(app, "/store/count");
      const cookie = cookiesOf(first);
      const second = await callApp(app, "/store/count", { headers: { cookie } });
      expect([jsonOf(first), jsonOf(second)]).toEqual([{ count: 1 }, { count: 2 }]);
    },
  },
  {
    feature: 'server-sent events, `req.on("close")`',
    works: "yes",
    how: "Each `res.write` goes out at once. `close` comes when the client has left.",
    check: (app) => sendsEventsUntilLeft(app, { events: "/streams/events", left: "/streams/left" }),
  },
  {
    feature: "streamed request bodies, and uploads that are cut off",
    works: "yes",
    how: "`req` is a stream at the client's pace; an upload that was cut off fails with `ECONNRESET`, as in Node.",
    async check(app) {
      await takesStream(app, "/streams/upload");
      const cut = openRequest(app, "/streams/upload", { method: "POST" });
      cut.on("error", () => cut.destroy());
      cut.write("the beginning", () => cut.destroy());
      expect(textOf(await callApp(app, "/streams/left"))).toBe("left");
    },
  },
  {
    feature: "responses that break off",
    works: "yes",
    how: "`res.destroy()` breaks the client's transfer; it never looks complete.",
    async check(app) {
      const response = await openAnswer(app, "/streams/cut");
      await once(response, "readable");
      await callApp(app, "/streams/cut", { method: "POST" });
      await expect(response.toArray()).rejects.toMatchObject({ code: "ECONNRESET" });
    },
  },
  {
    feature: "`res.destroy()` right behind the first `res.write()`",
    works: "but",
    how: "The client sees 500, because nothing has gone out yet; Node breaks the connection.",
    targets: ["stream", "mux"],
    async check(app) {
      expect((await callApp(app, "/streams/cut-at-once")).status).toBe(500);
    },
  },
  {
    feature: "early hints, trailers",
    works: "yes",
    how: "`res.writeEarlyHints`, `res.addTrailers`.",
    async check(app) {
      const request = openRequest(app, "/streams/hints");
      const information = once(request, "information");
      const response = once(request, "response") as Promise<[IncomingMessage]>;
      request.end();
      const [{ statusCode, headers }] = await information;
      expect([statusCode, headers.link]).toEqual([103, "</style.css>; rel=preload; as=style"]);
      expect((await (await response)[0].toArray()).join("")).toBe("after the hint");
      const trailing = await callApp(app, "/streams/trailers");
      expect([textOf(trailing), trailing.trailers]).toEqual(["body", { "x-sum": "7" }]);
    },
  },
  {
    feature: "`Expect: 100-continue`",
    works: "yes",
    how: "The 100 goes out when the application first reads, so a refusal costs the client no upload.",
    async check(app) {
      const headers = { expect: "100-continue", "content-length": "5" };
      const taken = openRequest(app, "/streams/upload", { method: "POST", headers });
      taken.flushHeaders();
      await once(taken, "continue");
      taken.end("bytes");
      const [response] = (await once(taken, "response")) as [IncomingMessage];
      expect([response.statusCode, (await response.toArray()).join("").length]).toEqual([200, 64]);
    },
  },
  {
    feature: "refusing an upload unasked",
    works: "yes",
    how: "A client that waits for a 100 gets the refusal, and no 100. Node by itself asks for the body before the application has seen the request.",
    targets: ["stream", "mux"],
    async check(app) {
      const headers = { expect: "100-continue", "content-length": "5" };
      const refused = openRequest(app, "/streams/refused", { method: "POST", headers });
      let hasContinued = false;
      refused.on("continue", () => {
        hasContinued = true;
      });
      refused.flushHeaders();
      const [response] = (await once(refused, "response")) as [IncomingMessage];
      expect([response.statusCode, hasContinued]).toEqual([403, false]);
      refused.destroy();
    },
  },
  {
    feature: "redirects and links",
    works: "but",
    how:
      'Relative ones work, and `express.static` redirects directories inside of the plugin. `res.redirect("/facts")` leads out ' +
      'of it: redirect to `"../facts"` or `req.baseUrl + "/facts"`, or give the plugin the option `rewriteRedirects`.',
    async check(app) {
      const absolute = await callApp(app, "/redirects/absolute");
      expect([absolute.status, absolute.headers.location]).toEqual([302, "/facts"]);
      const relative = await callApp(app, "/redirects/relative");
      const target = new URL(relative.headers.location ?? "", `${app.url}/redirects/relative`);
      expect(target.pathname).toBe(`${app.base}/facts`);
      // M5
      const directory = await callApp(app, "/files/uploads?a=1");
      expect(directory.headers.location).toBe(`${app.base}/files/uploads/?a=1`);
    },
  },
];
