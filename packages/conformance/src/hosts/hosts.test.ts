import { createHash } from "node:crypto";
import { once } from "node:events";
import type { Readable } from "node:stream";
import { createGunzip, gunzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { certificate } from "@servehttp/testkit";
import { seededBytes, sha256 } from "../seeded-bytes.js";
import { documentedPrograms } from "./documented-programs.js";
import { type HostClient, http1Client, http2Client } from "./host-client.js";
import { RunningProgram } from "./running-program.js";

interface DocumentedHost {
  readonly heading: string;
  readonly speaks: readonly ("http/1.1" | "https/1.1" | "h2c" | "h2")[];
  /** Whether middleware has set a cookie in front of the plugin. */
  readonly hasMiddleware?: boolean;
  /** Further checks of this host. */
  readonly does?: (client: HostClient) => Promise<void>;
}

const hosts: readonly DocumentedHost[] = [
  { heading: "node:http", speaks: ["http/1.1"] },
  { heading: "node:https", speaks: ["https/1.1"] },
  { heading: "node:http2 without TLS", speaks: ["h2c"], hasMiddleware: true },
  { heading: "node:http2 with TLS, and HTTP/1.1 beside it", speaks: ["h2", "https/1.1"] },
  { heading: "Express", speaks: ["http/1.1"], hasMiddleware: true, does: compresses },
  { heading: "Fastify", speaks: ["http/1.1"] },
  { heading: "Fastify, behind its middleware", speaks: ["http/1.1"], hasMiddleware: true },
  { heading: "Hono on Node", speaks: ["http/1.1"] },
  { heading: "Hono on Node, behind its middleware", speaks: ["http/1.1"], hasMiddleware: true },
  { heading: "Connect", speaks: ["http/1.1"], hasMiddleware: true },
  { heading: "Koa", speaks: ["http/1.1"], hasMiddleware: true },
];

const programs = documentedPrograms(new URL("../../../../docs/hosts.md", import.meta.url));

it("runs every program of docs/hosts.md", () => {
  expect([...programs.keys()]).toEqual(hosts.map(({ heading }) => heading));
});

for (const { heading, speaks, hasMiddleware, does } of hosts) {
  describe(`the host of docs/hosts.md, ${heading},`, () => {
    let program: RunningProgram;

    beforeAll(async () => {
      const { cert, key } = certificate();
      const code = programs.get(heading) ?? "";
      program = await RunningProgram.start(code, { "cert.pem": cert, "key.pem": key });
    });

    afterAll(() => program[Symbol.asyncDispose]());

    for (const protocol of speaks) {
      it(`serves a plugin whole over ${protocol}`, async () => {
        await using client = await clientOf(program.port, protocol);
        await answersRequests(client, hasMiddleware === true ? ["seen=yes"] : []);
        await hashesUpload(client);
        await echoesUpload(client);
        await sendsEventsAtOnce(client);
        await answersEarly(client);
        await asksForBodies(client);
        expect(await client.echoByWebSocket("/plugins/notes/socket", "hello")).toBe("hello");
        await does?.(client);
      });
    }
  });
}

describe("the host of docs/hosts.md, Express, changed as the page says,", () => {
  const express = programs.get("Express") ?? "";

  it("has its plugins and their WebSockets below a path", async () => {
    const code = express
      .replace("app.use(host.listener)", `app.use("/sub", host.listener)`)
      .replace("requests: false", `requests: false, mountPath: "/sub"`);
    await using program = await RunningProgram.start(code);
    const client = http1Client(program.port, false);
    expect(await client.echoByWebSocket("/sub/plugins/notes/socket", "hello")).toBe("hello");
    const hello = await get(client, "/sub/plugins/notes/hello");
    expect([hello.status, await textOf(hello.body)]).toEqual([200, "hello"]);
    expect((await get(client, "/plugins/notes/hello")).status).toBe(404);
  });

  it("has its plugins and their WebSockets below a prefix", async () => {
    const prefixed = `createPluginHost({ prefix: "/sub/plugins",`;
    const code = express.replace("createPluginHost({", prefixed);
    await using program = await RunningProgram.start(code);
    const client = http1Client(program.port, false);
    expect(await textOf((await get(client, "/sub/plugins/notes/hello")).body)).toBe("hello");
    expect(await client.echoByWebSocket("/sub/plugins/notes/socket", "hello")).toBe("hello");
  });

  it("answers 500 where a body parser stands in front of it", async () => {
    const code = express.replace("app.use(compression());", "app.use(express.json());");
    await using program = await RunningProgram.start(code);
    const client = http1Client(program.port, false);
    const type = { "content-type": "application/json" };
    const { body, response } = client.call("POST", "/plugins/notes/hash", type);
    body.end("{}");
    expect((await response).status).toBe(500);
  });
});

function clientOf(port: number, protocol: string): HostClient | Promise<HostClient> {
  return protocol.startsWith("h2")
    ? http2Client(port, protocol === "h2")
    : http1Client(port, protocol.startsWith("https"));
}

async function answersRequests(client: HostClient, cookies: readonly string[]): Promise<void> {
  const hello = await get(client, "/plugins/notes/hello");
  expect([hello.status, await textOf(hello.body)]).toEqual([200, "hello"]);
  const set = (hello.headers["set-cookie"] ?? []).map((cookie) => cookie.split(";")[0]);
  expect(new Set(set)).toEqual(new Set(["plugin=1", "second=2", ...cookies]));
  const none = await get(client, "/plugins/notes/none");
  expect([none.status, await textOf(none.body)]).toEqual([404, "no such note"]);
  const unknown = await get(client, "/plugins/unknown/");
  expect(unknown.status).toBe(404);
  expect(unknown.headers["proxy-status"]).toMatch(/^servehttp; error=/);
  await textOf(unknown.body);
  const other = await get(client, "/somewhere/else");
  expect([other.status, await textOf(other.body)]).toEqual([
    404,
    "the application has no such page\n",
  ]);
}

const upload = seededBytes("an upload to a host", 3_000_001);

async function hashesUpload(client: HostClient): Promise<void> {
  const { body, response } = client.call("POST", "/plugins/notes/hash");
  body.end(upload);
  expect(await textOf((await response).body)).toBe(sha256(upload));
}

async function echoesUpload(client: HostClient): Promise<void> {
  const { body, response } = client.call("POST", "/plugins/notes/echo");
  const first = upload.subarray(0, 1_000);
  body.write(first);
  const hash = createHash("sha256");
  let seenBytes = 0;
  for await (const chunk of (await response).body as AsyncIterable<Buffer>) {
    if (seenBytes === 0) {
      // Sends the rest once the echo of the beginning has arrived.
      body.end(upload.subarray(first.length));
    }
    seenBytes += chunk.length;
    hash.update(chunk);
  }
  expect(hash.digest("hex")).toBe(sha256(upload));
}

async function sendsEventsAtOnce(client: HostClient): Promise<void> {
  const { body } = await get(client, "/plugins/notes/events");
  let text = "";
  for await (const chunk of body as AsyncIterable<Buffer>) {
    text += chunk.toString();
    if (text === "data: 1\n\n") {
      await goOn(client);
    }
  }
  expect(text).toBe("data: 1\n\ndata: 2\n\n");
}

async function answersEarly(client: HostClient): Promise<void> {
  const { body, response } = client.call("POST", "/plugins/notes/early");
  body.write("the beginning of something long");
  const early = await response;
  expect([early.status, await textOf(early.body)]).toEqual([413, "too large"]);
  body.destroy();
}

async function asksForBodies(client: HostClient): Promise<void> {
  const expectContinue = { expect: "100-continue", "content-length": String(upload.length) };
  const refused = client.call("POST", "/plugins/notes/early", expectContinue);
  expect((await refused.response).status).toBe(413);
  expect(refused.continued()).toBe(false);
  refused.body.destroy();
  const taken = client.call("POST", "/plugins/notes/hash", expectContinue);
  await new Promise((resolve) => {
    taken.body.once("continue", resolve);
  });
  taken.body.end(upload);
  expect(await textOf((await taken.response).body)).toBe(sha256(upload));
}

/** Answers and events go out compressed, the events at once. */
async function compresses(client: HostClient): Promise<void> {
  const gzip = { "accept-encoding": "gzip" };
  const text = await get(client, "/plugins/notes/text", gzip);
  expect(text.headers["content-encoding"]).toBe("gzip");
  expect(gunzipSync(await bytesOf(text.body)).toString()).toBe("long text ".repeat(10_000));
  const events = await get(client, "/plugins/notes/events", gzip);
  expect(events.headers["content-encoding"]).toBe("gzip");
  const decoded = events.body.pipe(createGunzip());
  const [first] = (await once(decoded, "data")) as [Buffer];
  expect(first.toString()).toBe("data: 1\n\n");
  await goOn(client);
  expect((await bytesOf(decoded)).toString()).toBe("data: 2\n\n");
}

/** Lets the event stream that waits end. */
async function goOn(client: HostClient): Promise<void> {
  const { body, response } = client.call("POST", "/plugins/notes/go-on");
  body.end();
  await textOf((await response).body);
}

function get(client: HostClient, path: string, headers: Readonly<Record<string, string>> = {}) {
  const { body, response } = client.call("GET", path, headers);
  body.end();
  return response;
}

async function bytesOf(body: Readable): Promise<Buffer> {
  return Buffer.concat(await body.toArray());
}

async function textOf(body: Readable): Promise<string> {
  return (await bytesOf(body)).toString();
}
