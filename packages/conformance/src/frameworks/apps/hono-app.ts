import { createHash } from "node:crypto";
import type { IncomingMessage, Server } from "node:http";
import { createAdaptorServer, upgradeWebSocket } from "@hono/node-server";
import { serveStatic } from "@hono/node-server/serve-static";
import { type FetchContext, pluginRequestOf } from "@servehttp/plugin-sdk";
import { Hono } from "hono";
import { basicAuth } from "hono/basic-auth";
import { bodyLimit } from "hono/body-limit";
import { compress } from "hono/compress";
import { getSignedCookie, setSignedCookie } from "hono/cookie";
import { cors } from "hono/cors";
import { etag } from "hono/etag";
import { streamSSE } from "hono/streaming";
import { WebSocketServer } from "ws";
import { Occasion } from "./occasion.js";

type WebSocketServerLike = NonNullable<
  Parameters<typeof createAdaptorServer>[0]["websocket"]
>["server"];

/** A Hono application with middleware of Hono's own. */
export function honoApp(directory: string): Hono {
  const app = new Hono();
  const left = new Occasion();
  app.use(
    "/files/*",
    serveStatic({ root: directory, rewriteRequestPath: (path) => path.slice(6) }),
  );
  app.get("/facts", (context) => {
    const { method, url, path } = context.req;
    return context.json({ method, url, path, query: context.req.query() });
  });
  app.get("/client", (context) => {
    const env = context.env as { incoming?: IncomingMessage } & Partial<FetchContext>;
    const known = env.incoming === undefined ? env : pluginRequestOf(env.incoming);
    return context.json({ user: known?.context?.["user"], requestUri: known?.requestUri });
  });
  app.post("/json", bodyLimit({ maxSize: 1_000 }), async (context) =>
    context.json(await context.req.json<unknown>()),
  );
  app.post("/uploads", async (context) => {
    const { file } = await context.req.parseBody();
    const bytes = await (file as File).bytes();
    const sha256 = createHash("sha256").update(bytes).digest("hex");
    return context.json({ name: (file as File).name, sha256 });
  });
  app.post("/hash", async (context) => {
    const hash = createHash("sha256");
    for await (const chunk of context.req.raw.body ?? []) {
      hash.update(chunk);
    }
    return context.text(hash.digest("hex"));
  });
  app.post("/echo", (context) => new Response(context.req.raw.body));
  app.get("/events", (context) =>
    streamSSE(context, async (stream) => {
      const gone = new Occasion();
      stream.onAbort(() => {
        left.happens();
        gone.happens();
      });
      await stream.writeSSE({ data: "1", id: "1", event: "tick" });
      await gone.next();
    }),
  );
  app.get("/left", async (context) => {
    await left.next();
    return context.text("left");
  });
  app.get("/tagged", etag(), (context) => context.text("tagged"));
  app.get("/compressed", compress(), (context) => context.text("long text ".repeat(10_000)));
  app.use("/shared", cors({ origin: "https://other.test", credentials: true }));
  app.get("/shared", (context) => context.text("shared"));
  app.get("/private", basicAuth({ username: "ada", password: "secret" }), (context) =>
    context.text("private"),
  );
  app.post("/login", async (context) => {
    await setSignedCookie(context, "user", "ada", "secret");
    await setSignedCookie(context, "other", "more", "secret");
    return context.body(null, 204);
  });
  app.get("/me", async (context) =>
    context.text(String(await getSignedCookie(context, "secret", "user"))),
  );
  app.get("/throws", () => {
    throw new Error("a failure");
  });
  app.onError((_error, context) => context.text("handled", 503));
  app.get(
    "/socket",
    upgradeWebSocket(() => ({
      onMessage(event, socket) {
        socket.send(event.data as string);
      },
    })),
  );
  return app;
}

/** The same as a server of Node's that never listens, because fetch has no place for upgrades. */
export function honoServer(directory: string): Server {
  // Theirs are stricter about options that are not there than those of ws.
  const server = new WebSocketServer({ noServer: true }) as unknown as WebSocketServerLike;
  return createAdaptorServer({ fetch: honoApp(directory).fetch, websocket: { server } }) as Server;
}
