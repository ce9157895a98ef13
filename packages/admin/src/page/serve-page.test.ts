import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import express from "express";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createPluginHost } from "@servehttp/host-bridge";
import { createAdmin } from "../create-admin.js";

const admin = createAdmin(createPluginHost({ logger: false }), { token: "the-token-of-the-tests" });
let alone: Server;
let mounted: Server;
beforeAll(async () => {
  alone = createServer(admin).listen(0, "127.0.0.1");
  mounted = createServer(express().use("/ops/admin", admin as never)).listen(0, "127.0.0.1");
  await Promise.all([once(alone, "listening"), once(mounted, "listening")]);
});
afterAll(() => {
  admin.close();
  alone.close();
  mounted.close();
});

function ask(server: Server, path: string, init: RequestInit = {}): Promise<Response> {
  const { port } = server.address() as AddressInfo;
  return fetch(`http://127.0.0.1:${port}${path}`, { redirect: "manual", ...init });
}

describe("the dashboard's files", () => {
  it("are there without a token, and nothing runs in the page but they", async () => {
    const page = await ask(alone, "/");
    expect([
      page.status,
      page.headers.get("content-type"),
      page.headers.get("cache-control"),
    ]).toEqual([200, "text/html; charset=utf-8", "no-cache"]);
    expect(page.headers.get("content-security-policy")).toContain("script-src 'self';");
    const html = await page.text();
    const names = Array.from(
      html.matchAll(/(?:src|href)="\.?\/?(assets\/[^"]+)"/g),
      ([, name]) => name,
    );
    expect(names.length).toBeGreaterThan(1);
    for (const name of names) {
      // oxlint-disable-next-line no-await-in-loop
      const { headers, status } = await ask(alone, `/${name}`);
      expect([status, headers.get("cache-control")]).toEqual([
        200,
        "private, max-age=31536000, immutable",
      ]);
    }
    expect(html).not.toMatch(/<script(?![^>]*src=)|style=|\son\w+=/);
  });

  it("are found below a prefix, whose address ends in a slash", async () => {
    const bare = await ask(mounted, "/ops/admin?tab=1");
    expect([bare.status, bare.headers.get("location")]).toEqual([308, "./admin/?tab=1"]);
    expect((await ask(mounted, "/ops/admin/")).status).toBe(200);
    expect((await ask(mounted, "/ops/admin/api/plugins")).status).toBe(401);
  });

  it.each([
    "/assets/none.js",
    "/assets/",
    "/assets/..%2findex.html",
    "/index.html",
    "/package.json",
  ])("are no others: %s", async (path) => {
    expect((await ask(alone, path)).status).toBe(404);
  });

  it("are asked for their head as well, and for nothing else", async () => {
    const head = await ask(alone, "/", { method: "HEAD" });
    expect([head.status, await head.text()]).toEqual([200, ""]);
    expect((await ask(alone, "/", { method: "POST" })).status).toBe(404);
  });
});
