import { expect } from "vitest";
import { callSite, cookiesOf, jsonOf, jsonRequest, textOf } from "../call-site.js";
import type { FrameworkFeature } from "../framework-feature.js";
import {
  answersAsDirectly,
  seesFacts,
  sendsEventsUntilLeft,
  sendsLargeFile,
  servesFiles,
  takesLargeForm,
} from "./checks.js";

/** Koa 3, as `servePlugin({ node: app.callback() })`. */
export const koaFeatures: readonly FrameworkFeature[] = [
  {
    feature: "middleware, `context.throw`, JSON, 404",
    by: ["koa-body"],
    works: "yes",
    how: "As they are.",
    async check(site) {
      await answersAsDirectly(site, [
        ["/json", jsonRequest({ a: 1 })],
        ["/json", { ...jsonRequest({}), body: "{" }],
        ["/json", jsonRequest("x".repeat(2_000))],
        ["/throws"],
        ["/none"],
      ]);
      expect(jsonOf(await callSite(site, "/json", jsonRequest({ a: 1 })))).toEqual({ a: 1 });
      expect((await callSite(site, "/throws")).status).toBe(418);
    },
  },
  {
    feature: "`context.url`, `ip`, `protocol`, `host`, `query`",
    works: "yes",
    how: "As directly; `url` is without `/plugins/{id}`.",
    check: (site) =>
      seesFacts(site, {
        method: "GET",
        url: "/facts?a=1&b=x%20y",
        ip: "127.0.0.1",
        protocol: "http",
        host: "app.test:81",
        query: { a: "1", b: "x y" },
      }),
  },
  {
    feature: "uploads of forms, to disk",
    by: ["koa-body"],
    works: "yes",
    how: "As it is; 20 MiB are compared by hash.",
    check: (site) => takesLargeForm(site, { name: "file.bin" }),
  },
  {
    feature: "static files",
    by: ["koa-static"],
    works: "yes",
    how: "As it is: Last-Modified and HEAD. koa-static has no ranges and no ETag.",
    async check(site) {
      await servesFiles(site, "");
      await answersAsDirectly(site, [["/text.txt"]]);
    },
  },
  {
    feature: "signed cookies",
    works: "yes",
    how: "`context.cookies` with `app.keys`.",
    async check(site) {
      const login = await callSite(site, "/login", { method: "POST" });
      expect([login.status, login.headers["set-cookie"]?.length]).toEqual([204, 2]);
      const cookie = cookiesOf(login);
      expect(textOf(await callSite(site, "/me", { headers: { cookie } }))).toBe("ada");
      const forged = cookie.replace("user=ada", "user=eve");
      expect(textOf(await callSite(site, "/me", { headers: { cookie: forged } }))).toBe("nobody");
    },
  },
  {
    feature: "`context.fresh`",
    works: "yes",
    how: "A client that has the current version gets 304.",
    async check(site) {
      const answer = await callSite(site, "/tagged", { headers: { "if-none-match": '"abc"' } });
      expect([answer.status, answer.body.length]).toEqual([304, 0]);
      expect(textOf(await callSite(site, "/tagged"))).toBe("tagged");
    },
  },
  {
    feature: "streams as bodies, server-sent events",
    works: "yes",
    how: 'A stream as `context.body`; `context.res.on("close")` tells that the client has left.',
    async check(site) {
      await sendsLargeFile(site, "/download");
      await sendsEventsUntilLeft(site, { events: "/events", left: "/left" });
    },
  },
];
