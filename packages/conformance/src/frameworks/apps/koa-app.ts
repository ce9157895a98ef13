import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { NodeHandler } from "@servehttp/plugin-sdk";
import Koa from "koa";
import { koaBody } from "koa-body";
import serveStatic from "koa-static";
import { Occasion } from "./occasion.js";

/** A Koa application. */
export function koaApp(directory: string): NodeHandler {
  const app = new Koa({ keys: ["one"] });
  // Its routes fail on purpose.
  app.silent = true;
  const left = new Occasion();
  app.use(serveStatic(directory));
  app.use(
    koaBody({
      multipart: true,
      jsonLimit: 1_000,
      formidable: { uploadDir: join(directory, "uploads"), maxFileSize: 30_000_000 },
    }),
  );
  const routes: Readonly<Record<string, (context: Koa.Context) => unknown>> = {
    "GET /facts": (context) => {
      const { method, url, originalUrl, ip, protocol, host, query } = context;
      context.body = { method, url, originalUrl, ip, protocol, host, query };
    },
    "POST /json": (context) => {
      context.body = context.request.body;
    },
    "POST /uploads": async (context) => {
      const file = [context.request.files?.["file"]].flat()[0];
      const hash = createHash("sha256");
      await pipeline(createReadStream(file?.filepath ?? ""), hash);
      context.body = { name: file?.originalFilename, sha256: hash.digest("hex") };
    },
    "POST /login": (context) => {
      context.cookies.set("user", "ada", { signed: true });
      context.status = 204;
    },
    "GET /me": (context) => {
      context.body = context.cookies.get("user", { signed: true }) ?? "nobody";
    },
    "GET /tagged": (context) => {
      context.etag = "abc";
      context.status = 200;
      if (context.fresh) {
        context.status = 304;
        return;
      }
      context.body = "tagged";
    },
    "GET /download": (context) => {
      context.body = createReadStream(join(directory, "big.bin"));
    },
    "GET /events": (context) => {
      const events = new PassThrough();
      context.type = "text/event-stream";
      context.body = events;
      events.write("data: 1\n\n");
      context.res.on("close", () => left.happens());
    },
    "GET /left": async (context) => {
      await left.next();
      context.body = "left";
    },
    "GET /throws": (context) => context.throw(418, "short and stout"),
  };
  app.use((context) => routes[`${context.method} ${context.path}`]?.(context));
  return { node: app.callback() };
}
