import { expect } from "vitest";
import { callApp, cookiesOf, jsonOf, jsonRequest, textOf } from "../call-app.js";
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
    async check(app) {
      await answersAsDirectly(app, [
        ["/json", jsonRequest({ a: 1 })],
        ["/json", { ...jsonRequest({}), body: "{" }],
        ["/json", jsonRequest("x".repeat(2_000))],
        ["/throws"],
        ["/none"],
      ]);
      expect(jsonOf(await callApp(app, "/json", jsonRequest({ a: 1 })))).toEqual({ a: 1 });
      expect((await callApp(app, "/throws")).status).toBe(418);
    },
  },
  {
    feature: "`context.url`, `ip`, `protocol`, `host`, `query`",
    works: "yes",
    how: "As directly; `url` is without `/plugins/{id}`.",
    check: (app) =>
      seesFacts(app, {
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
    check: (app) => takesLargeForm(app, { name: "file.bin" }),
  },
  {
    feature: "static files",
    by: ["koa-static"],
    works: "yes",
    how: "As it is: Last-Modified and HEAD. koa-static has no ranges and no ETag.",
    async check(app) {
      await servesFiles(app, "");
      await answersAsDirectly(app, [["/text.txt"]]);
    },
  },
  {
    feature: "signed cookies",
    works: "yes",
    how: "`context.cookies` with `app.keys`.",
    async check(app) {
      const login = await callApp(app, "/login", { method: "POST" });
      expect([login.status, login.headers["set-cookie"]?.length]).toEqual([204, 2]);
      const cookie = cookiesOf(login);
      expect(textOf(await callApp(app, "/me", { headers: { cookie } }))).toBe("ada");
      const forged = cookie.replace("user=ada", "user=eve");
      expect(textOf(await callApp(app, "/me", { headers: { cookie: forged } }))).toBe("nobody");
    },
  },
  {
    feature: "`context.fresh`",
    works: "yes",
    how: "A client that has the current version gets 304.",
    async check(app) {
      const answer = await callApp(app, "/tagged", { headers: { "if-none-match": '"abc"' } });
      expect([answer.status, answer.body.length]).toEqual([304, 0]);
      expect(textOf(await callApp(app, "/tagged"))).toBe("tagged");
    },
  },
  {
    feature: "streams as bodies, server-sent events",
    works: "yes",
    how: 'A stream as `context.body`; `context.res.on("close")` tells that the client has left.',
    async check(app) {
      await sendsLargeFile(app, "/download");
      await sendsEventsUntilLeft(app, { events: "/events", left: "/left" });
    },
  },
];
