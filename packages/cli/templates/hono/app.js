import { Hono } from "hono";

export const app = new Hono();

app.get("/", (context) =>
  context.html("<!doctype html>\n<title>{{name}}</title>\n<h1>Hello from {{name}}</h1>\n"),
);
