import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { gzipSync } from "node:zlib";
import { afterEach, describe, expect, it } from "vitest";
import { nodeRequest, told } from "../test-rig/node-request.js";
import { forwardAuth, type ForwardAuthOptions } from "./forward-auth.js";

let server: Server | undefined;
afterEach(() => {
  server?.close();
  server?.closeAllConnections();
  server = undefined;
});

/** An auth service; returns its URL and what it was asked. */
async function service(answer: (request: IncomingMessage, response: ServerResponse) => void) {
  const asked: IncomingMessage[] = [];
  server = createServer((request, response) => {
    asked.push(request);
    answer(request, response);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return { asked, url: `http://127.0.0.1:${port}/auth` };
}

describe("forwardAuth", () => {
  it("describes the request to the service, and nothing that a client made up", async () => {
    const { asked, url } = await service((_request, response) => response.end());
    const request = nodeRequest(
      [
        ["Host", "notes.example.org"],
        ["Cookie", "a=b"],
        ["Authorization", "Bearer t"],
        ["Content-Length", "7"],
        ["Transfer-Encoding", "chunked"],
        ["Connection", "x-mine, keep-alive"],
        ["X-Mine", "1"],
        ["X-Forwarded-For", "203.0.113.1"],
        ["X-Forwarded-Uri", "/harmless"],
        ["X-Forwarded-User", "root"],
        ["X-Original-URL", "/harmless"],
        ["Expect", "100-continue"],
        ["X-Other", "caf\xe9"],
      ],
      { method: "POST", url: "/plugins/notes/x?q=1", encrypted: true },
    );
    expect(await forwardAuth({ url })(request)).toEqual({});
    const [{ headers, method } = { headers: {}, method: "" }] = asked;
    expect(method).toBe("GET");
    expect(headers).toMatchObject({
      cookie: "a=b",
      authorization: "Bearer t",
      "x-other": "caf\xe9",
      "x-forwarded-method": "POST",
      "x-forwarded-proto": "https",
      "x-forwarded-host": "notes.example.org",
      "x-forwarded-uri": "/plugins/notes/x?q=1",
      "x-forwarded-for": "192.0.2.7",
      "x-original-method": "POST",
      "x-original-url": "https://notes.example.org/plugins/notes/x?q=1",
    });
    for (const name of ["x-mine", "x-forwarded-user", "content-length", "expect"]) {
      expect(headers).not.toHaveProperty(name);
    }
    expect(headers.host).toMatch(/^127\.0\.0\.1:/);
  });

  it("passes on what a trusted proxy says of the client, and only the fields that are wanted", async () => {
    const { asked, url } = await service((_request, response) => response.end());
    const identity = forwardAuth({
      url,
      trustedProxies: ["10.0.0.0/8"],
      requestHeaders: ["Cookie"],
    });
    const fields = [
      ["Host", "inside"],
      ["Cookie", "a=b"],
      ["X-Other", "1"],
      ["X-Forwarded-For", "203.0.113.1"],
      ["X-Forwarded-Host", "notes.example.org"],
      ["X-Forwarded-Proto", "https"],
    ] as const;
    await identity(nodeRequest(fields, { peer: "10.0.0.9" }));
    await identity(nodeRequest(fields, { peer: "192.0.2.9" }));
    expect(
      asked.map(({ headers }) => [headers["x-forwarded-for"], headers["x-original-url"]]),
    ).toEqual([
      ["203.0.113.1, 10.0.0.9", "https://notes.example.org/"],
      ["192.0.2.9", "http://inside/"],
    ]);
    expect(asked[0]?.headers).toMatchObject({ cookie: "a=b" });
    expect(asked[0]?.headers).not.toHaveProperty("x-other");
    // Without any, it is the host that knows who the client is.
    const known = { scheme: "https", pluginId: "notes" } as const;
    await forwardAuth({ url })(nodeRequest(fields), { ...known, remoteAddress: "[2001:db8::1]:9" });
    expect(asked[2]?.headers).toMatchObject({
      "x-forwarded-for": "2001:db8::1",
      "x-forwarded-proto": "https",
      "x-forwarded-host": "inside",
    });
  });

  it("takes the fields of an answer that lets the client in", async () => {
    const { url } = await service((_request, response) => {
      response.writeHead(202, {
        "Remote-User": "ann",
        "Remote-Groups": "a,b",
        "Set-Cookie": "s=1",
      });
      response.end("not read");
    });
    const identity = forwardAuth({
      url,
      headers: ["Remote-User", "remote-groups", "remote-email"],
    });
    expect(await identity(nodeRequest())).toEqual({
      "Remote-User": "ann",
      "remote-groups": "a,b",
      "remote-email": undefined,
    });
  });

  it("passes a refusal on: status, fields and body; and follows no redirect", async () => {
    const { asked, url } = await service((request, response) => {
      if (request.headers["x-forwarded-uri"] === "/login") {
        response.writeHead(302, {
          Location: "/oauth2/start?rd=%2Flogin",
          "Set-Cookie": ["csrf=1; Path=/", "b=2"],
        });
        response.end();
      } else {
        response.writeHead(401, {
          "WWW-Authenticate": 'Basic realm="a"',
          "Content-Encoding": "gzip",
        });
        response.end(gzipSync("log in first"));
      }
    });
    const identity = forwardAuth({ url });
    const redirect = (await identity(nodeRequest([], { url: "/login" }))) as Response;
    expect(redirect.status).toBe(302);
    expect(redirect.headers.get("location")).toBe("/oauth2/start?rd=%2Flogin");
    expect(redirect.headers.getSetCookie()).toEqual(["csrf=1; Path=/", "b=2"]);
    expect(asked).toHaveLength(1);
    const refused = (await identity(nodeRequest())) as Response;
    expect(refused.headers.get("content-encoding")).toBeNull();
    expect(await told(refused)).toBe('401 | Basic realm="a" | log in first');
  });

  it("is unavailable where the service fails, hangs, is not there or says too much", async () => {
    let status = 500;
    const { url } = await service((request, response) => {
      if (request.headers["x-forwarded-uri"] === "/hang") {
        response.writeHead(401);
        response.write("a beginning");
      } else {
        response.writeHead(status).end(Buffer.alloc(2_000_000));
      }
    });
    const why = async (path = "/", timeoutMs = 29_000) =>
      await forwardAuth({ url, timeoutMs })(nodeRequest([], { url: path })).then(
        () => "no error",
        ({ code, message }: { code: string; message: string }) => `${code}: ${message}`,
      );
    expect(await why()).toBe(`unavailable: forwardAuth: ${url}: it answered 500`);
    status = 403;
    expect(await why()).toBe(
      `unavailable: forwardAuth: ${url}: its answer has more than 1048576 bytes`,
    );
    expect(await why("/hang", 50)).toBe(
      `unavailable: forwardAuth: ${url}: it did not answer within 50 ms`,
    );
    server?.close();
    server?.closeAllConnections();
    expect(await why()).toMatch(/^unavailable: forwardAuth: .*ECONNREFUSED/);
  });

  it("says what is wrong with its options", () => {
    const made = (options: unknown) => () => forwardAuth(options as ForwardAuthOptions);
    expect(made({})).toThrow("forwardAuth.url: got undefined, allowed is a URL that begins with");
    expect(made({ url: "http://a:b@c/" })).toThrow("forwardAuth.url");
    expect(made({ url: "http://a/", headers: ["host"] })).toThrow("forwardAuth.headers[0]");
    expect(made({ url: "http://a/", timeoutMs: 30_000 })).toThrow(
      "forwardAuth.timeoutMs: got 30000, allowed is a whole number from 1 to 29000",
    );
    expect(made({ url: "http://a/", trustedProxies: ["a"] })).toThrow(
      "forwardAuth.trustedProxies[0]",
    );
  });
});
