import { fastify } from "fastify";

export const app = fastify();

app.get("/", (request, reply) =>
  reply
    .type("text/html; charset=utf-8")
    .send("<!doctype html>\n<title>{{name}}</title>\n<h1>Hello from {{name}}</h1>\n"),
);

await app.ready();
