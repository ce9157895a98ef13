import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { createGunzip } from "node:zlib";
import { expect } from "vitest";
import {
  callSite,
  cookiesOf,
  formWithFile,
  jsonOf,
  jsonRequest,
  openAnswer,
  openRequest,
  textOf,
} from "../call-site.js";
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
    async check(site) {
      const form = { "content-type": "application/x-www-form-urlencoded" };
      await answersAsDirectly(site, [
        ["/json", jsonRequest({ a: [1, "ü"] })],
        ["/json", { ...jsonRequest({}), body: "{" }],
        ["/json", jsonRequest("x".repeat(2_000))],
        ["/form", { headers: form, body: "a=1&b[]=2&b[]=3" }],
        ["/throws"],
        ["/facts", { method: "OPTIONS" }],
        ["/files/none"],
      ]);
      const parsed = await callSite(site, "/json", jsonRequest({ a: [1, "ü"] }));
      expect(jsonOf(parsed)).toEqual({ a: [1, "ü"] });
      expect((await callSite(site, "/throws")).status).toBe(500);
    },
  },
  {
    feature: "`req.url`, `req.ip`, `req.protocol`, `req.hostname`, `req.query`",
    works: "yes",
    how: "`req.url` is without `/plugins/{id}`; `req.ip` is the client's, with no `trust proxy` to set.",
    check: (site) =>
      seesFacts(site, {
        method: "GET",
        url: "/facts?a=1&b=x%20y",
        originalUrl: "/facts?a=1&b=x%20y",
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
    ways: ["stream", "mux"],
    check: knowsClient,
  },
  {
    feature: "compression",
    by: ["compression"],
    works: "yes",
    how: "As it is; `res.flush()` sends what it holds back.",
    async check(site) {
      await compressesText(site, "/compressed/text");
      const events = await openAnswer(site, "/compressed/events", { "accept-encoding": "gzip" });
      const decoded = events.pipe(createGunzip());
      const [first] = (await once(decoded, "data")) as [Buffer];
      expect(first.toString()).toBe("data: 1\n\n");
      await callSite(site, "/compressed/go-on", { method: "POST" });
      expect(Buffer.concat(await decoded.toArray()).toString()).toBe("data: 2\n\n");
    },
  },
  {
    feature: "uploads of forms, to disk, with limits",
    by: ["multer"],
    works: "yes",
    how: "As it is; 20 MiB are compared by hash. The same holds for `busboy`, which multer uses.",
    async check(site) {
      await takesLargeForm(site, { title: "a title", size: 20_971_520 });
      const tooLarge = await formWithFile(new Uint8Array(100_000));
      expect((await callSite(site, "/uploads/small", tooLarge)).status).toBe(413);
    },
  },
  {
    feature: "static files: ranges, ETag, Last-Modified, HEAD",
    works: "yes",
    how: "`express.static`, `res.sendFile`, `res.download`, with the same fields as directly.",
    async check(site) {
      await servesFiles(site, "/files");
      await servesRanges(site, "/files");
      await answersConditions(site, "/files/text.txt");
      await answersAsDirectly(site, [
        ["/files/text.txt"],
        ["/files/text.txt", { headers: { range: "bytes=0-1,5-6" } }],
        ["/files/text.txt", { headers: { range: "bytes=-5" } }],
        ["/files/text.txt", { method: "HEAD" }],
        ["/files/%zz"],
      ]);
      const download = await sendsLargeFile(site, "/streams/download");
      expect(download.headers["content-disposition"]).toContain("filename*=UTF-8''gr%C3%B6%C3%9Fe");
    },
  },
  {
    feature: "logins with sessions in signed cookies",
    by: ["cookie-session"],
    works: "yes",
    how: "As it is. Cookies with `Path=/` go to the host and to every plugin: set `path`, or `edge.protectedCookies` in the host.",
    async check(site) {
      const body = "user=ada";
      const headers = { "content-type": "application/x-www-form-urlencoded" };
      const login = await callSite(site, "/sessions/login", { body, headers });
      expect([login.status, login.headers.location]).toEqual([303, "me"]);
      const cookie = cookiesOf(login);
      expect(login.headers["set-cookie"]).toHaveLength(2);
      const me = await callSite(site, "/sessions/me", { headers: { cookie } });
      expect(jsonOf(me)).toEqual({ user: "ada" });
      const forged = cookie.replace("key=", "key=x");
      const stranger = await callSite(site, "/sessions/me", { headers: { cookie: forged } });
      expect(jsonOf(stranger)).toEqual({ user: null });
      const logout = await callSite(site, "/sessions/logout", {
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
    async check(site) {
      const first = await callSite(site, "/store/count");
      const cookie = cookiesOf(first);
      const second = await callSite(site, "/store/count", { headers: { cookie } });
      expect([jsonOf(first), jsonOf(second)]).toEqual([{ count: 1 }, { count: 2 }]);
    },
  },
  {
    feature: 'server-sent events, `req.on("close")`',
    works: "yes",
    how: "Each `res.write` goes out at once. `close` comes when the client has left.",
    check: (site) =>
      sendsEventsUntilLeft(site, { events: "/streams/events", left: "/streams/left" }),
  },
  {
    feature: "streamed request bodies, and uploads that are cut off",
    works: "yes",
    how: "`req` is a stream at the client's pace; an upload that was cut off fails with `ECONNRESET`, as in Node.",
    async check(site) {
      await takesStream(site, "/streams/upload");
      const cut = openRequest(site, "/streams/upload", { method: "POST" });
      cut.on("error", () => cut.destroy());
      cut.write("the beginning", () => cut.destroy());
      expect(textOf(await callSite(site, "/streams/left"))).toBe("left");
    },
  },
  {
    feature: "responses that break off",
    works: "yes",
    how: "`res.destroy()` breaks the client's transfer; it never looks complete.",
    async check(site) {
      const response = await openAnswer(site, "/streams/cut");
      await once(response, "readable");
      await callSite(site, "/streams/cut", { method: "POST" });
      await expect(response.toArray()).rejects.toMatchObject({ code: "ECONNRESET" });
    },
  },
  {
    feature: "`res.destroy()` right behind the first `res.write()`",
    works: "but",
    how: "The client sees 500, because nothing has gone out yet; Node breaks the connection.",
    ways: ["stream", "mux"],
    async check(site) {
      expect((await callSite(site, "/streams/cut-at-once")).status).toBe(500);
    },
  },
  {
    feature: "early hints, trailers",
    works: "yes",
    how: "`res.writeEarlyHints`, `res.addTrailers`.",
    async check(site) {
      const request = openRequest(site, "/streams/hints");
      const information = once(request, "information");
      const response = once(request, "response") as Promise<[IncomingMessage]>;
      request.end();
      const [{ statusCode, headers }] = await information;
      expect([statusCode, headers.link]).toEqual([103, "</style.css>; rel=preload; as=style"]);
      expect((await (await response)[0].toArray()).join("")).toBe("after the hint");
      const trailing = await callSite(site, "/streams/trailers");
      expect([textOf(trailing), trailing.trailers]).toEqual(["body", { "x-sum": "7" }]);
    },
  },
  {
    feature: "`Expect: 100-continue`",
    works: "yes",
    how: "The 100 goes out when the application first reads, so a refusal costs the client no upload.",
    async check(site) {
      const headers = { expect: "100-continue", "content-length": "5" };
      const taken = openRequest(site, "/streams/upload", { method: "POST", headers });
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
    ways: ["stream", "mux"],
    async check(site) {
      const headers = { expect: "100-continue", "content-length": "5" };
      const refused = openRequest(site, "/streams/refused", { method: "POST", headers });
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
      'Relative ones work. `res.redirect("/facts")` leads out of the plugin: the application does not know its prefix, and the ' +
      'host does not rewrite responses. Redirect to `"../facts"`, or write the prefix.',
    async check(site) {
      const absolute = await callSite(site, "/redirects/absolute");
      expect([absolute.status, absolute.headers.location]).toEqual([302, "/facts"]);
      const relative = await callSite(site, "/redirects/relative");
      const target = new URL(relative.headers.location ?? "", `${site.url}/redirects/relative`);
      expect(target.pathname).toBe(`${site.base}/facts`);
    },
  },
];
