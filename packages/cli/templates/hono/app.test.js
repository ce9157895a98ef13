import assert from "node:assert/strict";
import { test } from "node:test";
import { callHandler } from "@servehttp/plugin-sdk/testing";
import { app } from "./app.js";

test("serves a page", async () => {
  const response = await callHandler(app).response;
  assert.equal(response.status, 200);
  assert.match(await response.text(), /<h1>Hello from {{name}}<\/h1>/);
});

test("answers 404 to every other path", async () => {
  const response = await callHandler(app, { url: "/nothing" }).response;
  assert.equal(response.status, 404);
});
