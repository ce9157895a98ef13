/* oxlint-disable oxc/no-async-endpoint-handlers -- Express 5 and Fastify wait for their promises */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { type NodeHandler, pluginRequestOf } from "@servehttp/plugin-sdk";
import compression from "compression";
import cookieSession from "cookie-session";
import express from "express";
import session from "express-session";
import multer from "multer";
import { Occasion } from "./occasion.js";

/** An Express application with the middleware that Express applications have. */
export function expressApp(directory: string): NodeHandler {
  const app = express();
  app.use("/files", express.static(directory));
  app.use("/sessions", keySessions());
  app.use("/store", storedSessions());
  app.use("/compressed", compressed());
  app.use("/uploads", uploads(directory));
  app.use("/streams", streams(directory));
  app.get("/facts", (request, response) => {
    const { method, url, originalUrl, ip, protocol, secure, hostname, query } = request;
    const host = request.get("host");
    response.json({ method, url, originalUrl, ip, protocol, secure, hostname, query, host });
  });
  app.get("/client", (request, response) => {
    const known = pluginRequestOf(request);
    response.json({ user: known?.context["user"], requestUri: known?.requestUri });
  });
  app.post("/json", express.json({ limit: 1_000 }), (request, response) => {
    response.json(request.body);
  });
  app.post("/form", express.urlencoded({ extended: true }), (request, response) => {
    response.json(request.body);
  });
  app.get("/redirects/absolute", (_request, response) => response.redirect("/facts"));
  app.get("/redirects/relative", (_request, response) => response.redirect("../facts"));
  app.get("/throws", () => {
    throw new Error("a secret of the application's");
  });
  app.use(answerError);
  return { node: app };
}

function answerError(
  error: Error & { status?: number; code?: string },
  _request: express.Request,
  response: express.Response,
  _next: express.NextFunction,
): void {
  const status = error.status ?? (error.code === "LIMIT_FILE_SIZE" ? 413 : 500);
  response.status(status).json({ error: status === 500 ? "internal" : error.message });
}

function keySessions(): express.Router {
  const router = express.Router();
  router.use(cookieSession({ name: "key", keys: ["one", "two"], path: "/" }));
  router.post("/login", express.urlencoded(), (request, response) => {
    const { user } = request.body as { user: string };
    keySession(request).session = { user };
    response.redirect(303, "me");
  });
  router.get("/me", (request, response) => {
    response.json({ user: keySession(request).session?.user ?? null });
  });
  router.post("/logout", (request, response) => {
    keySession(request).session = null;
    response.sendStatus(204);
  });
  return router;
}

/** The request with cookie-session's type. express-session, also in use here, declares another. */
function keySession(request: express.Request): { session: { user?: string } | null } {
  return request as unknown as { session: { user?: string } | null };
}

function storedSessions(): express.Router {
  const router = express.Router();
  router.use(session({ secret: "s", resave: false, saveUninitialized: false, name: "store" }));
  router.get("/count", (request, response) => {
    const stored = request.session as session.Session & { count?: number };
    stored.count = (stored.count ?? 0) + 1;
    response.json({ count: stored.count });
  });
  return router;
}

function compressed(): express.Router {
  const router = express.Router();
  router.use(compression({ threshold: 0 }));
  router.get("/text", (_request, response) => {
    response.type("text/plain").send("long text ".repeat(10_000));
  });
  const goOn = new Occasion();
  router.get("/events", async (_request, response) => {
    response.type("text/event-stream").write("data: 1\n\n");
    response.flush();
    await goOn.next();
    response.end("data: 2\n\n");
  });
  router.post("/go-on", (_request, response) => {
    goOn.happens();
    response.end();
  });
  return router;
}

async function answerUpload(request: express.Request, response: express.Response): Promise<void> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(request.file?.path ?? ""), hash);
  const { title } = request.body as { title: string };
  response.json({ title, size: request.file?.size, sha256: hash.digest("hex") });
}

function uploads(directory: string): express.Router {
  const router = express.Router();
  router.post("/", multer({ dest: join(directory, "uploads") }).single("file"), answerUpload);
  router.post("/small", multer({ limits: { fileSize: 1_000 } }).single("file"), answerUpload);
  return router;
}

function streams(directory: string): express.Router {
  const router = express.Router();
  const left = new Occasion();
  router.get("/download", (_request, response) => {
    response.download(join(directory, "big.bin"), "größe.bin");
  });
  router.get("/events", (request, response) => {
    response.type("text/event-stream").write("data: 1\n\n");
    request.on("close", () => left.happens());
  });
  router.post("/upload", async (request, response) => {
    const hash = createHash("sha256");
    try {
      await pipeline(request, hash);
      response.end(hash.digest("hex"));
    } catch {
      left.happens();
    }
  });
  router.get("/left", async (_request, response) => {
    await left.next();
    response.end("left");
  });
  router.get("/hints", (_request, response) => {
    response.writeEarlyHints({ link: "</style.css>; rel=preload; as=style" });
    response.send("after the hint");
  });
  router.get("/trailers", (_request, response) => {
    response.setHeader("trailer", "x-sum");
    response.write("body");
    response.addTrailers({ "x-sum": "7" });
    response.end();
  });
  const cut = new Occasion();
  router.get("/cut", async (_request, response) => {
    response.write("the beginning");
    await cut.next();
    response.destroy();
  });
  router.post("/cut", (_request, response) => {
    cut.happens();
    response.end();
  });
  router.get("/cut-at-once", (_request, response) => {
    response.write("the beginning");
    response.destroy();
  });
  router.post("/refused", (_request, response) => {
    response.status(403).end("no");
  });
  return router;
}
