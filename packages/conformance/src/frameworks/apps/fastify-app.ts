/* oxlint-disable oxc/no-async-endpoint-handlers -- Express 5 and Fastify wait for their promises */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import type { Server } from "node:http";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import multipart from "@fastify/multipart";
import staticFiles from "@fastify/static";
import websocket from "@fastify/websocket";
import { fastify, type FastifyInstance } from "fastify";
import { Occasion } from "./occasion.js";

/** A Fastify application with plugins of Fastify's own. */
export async function fastifyApp(directory: string): Promise<Server> {
  const app = fastify();
  await app.register(multipart, { limits: { fileSize: 30_000_000 } });
  await app.register(staticFiles, { root: directory, prefix: "/files/" });
  await app.register(websocket);
  routes(app, directory);
  let hasListened = false;
  app.addHook("onListen", (done) => {
    hasListened = true;
    done();
  });
  app.get("/address", () => ({ address: app.server.address(), hasListened }));
  await app.ready();
  return app.server;
}

function routes(app: FastifyInstance, directory: string): void {
  const left = new Occasion();
  app.get("/facts", (request) => {
    const { method, url, originalUrl, ip, protocol, hostname, port, query } = request;
    return { method, url, originalUrl, ip, protocol, hostname, port, query };
  });
  const sumSchema = {
    body: {
      type: "object",
      required: ["a", "b"],
      properties: { a: { type: "number" }, b: { type: "number" } },
    },
  };
  app.post<{ Body: { a: number; b: number } }>("/sum", { schema: sumSchema }, ({ body }) => ({
    sum: body.a + body.b,
  }));
  app.post("/small", { bodyLimit: 1_000 }, ({ body }) => body);
  app.post("/uploads", async (request) => {
    const file = await request.file();
    const hash = createHash("sha256");
    await pipeline(file?.file ?? [], hash);
    return { name: file?.filename, sha256: hash.digest("hex") };
  });
  app.get("/download", (_request, reply) => {
    void reply.type("application/octet-stream").send(createReadStream(join(directory, "big.bin")));
  });
  app.get("/events", (_request, reply) => {
    reply.hijack();
    reply.raw.writeHead(200, { "content-type": "text/event-stream" });
    reply.raw.write("data: 1\n\n");
    reply.raw.on("close", () => left.happens());
  });
  app.get("/left", async () => {
    await left.next();
    return "left";
  });
  app.get("/trailers", (_request, reply) => {
    reply.trailer("x-sum", (_reply, _payload, done) => done(null, "7"));
    void reply.send("body");
  });
  app.get("/throws", () => {
    throw new Error("a failure");
  });
  app.get("/socket", { websocket: true }, (socket, request) => {
    socket.send(`at ${request.url}`);
    socket.on("message", (message, isBinary) => {
      socket.send(message as Buffer, { binary: isBinary });
    });
  });
}
