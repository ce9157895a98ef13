import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { access, mkdtemp, readdir, rm } from "node:fs/promises";
import { type IncomingMessage, request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import { type DemoProcess, startDemoProcess } from "./demo-process.js";
import type { ChatMessage } from "./plugins/chat-room.js";

interface Overview {
  files: { name: string; sizeBytes: number; sha256: string | null }[];
  uploads: { name: string; receivedBytes: number; outcome: { state: string; reason?: string } }[];
}

interface Status {
  host: { pid: number };
  plugins: { id: string; pid: number; state: string; restarts: number }[];
  dataDirectory: string;
}

/** At once on an idle machine, ten seconds at the most on a busy one. */
const soon = { timeout: 10_000, interval: 20 };

let demo: DemoProcess;
let dataDirectory: string;

beforeAll(async () => {
  dataDirectory = await mkdtemp(join(tmpdir(), "servehttp-demo-test-"));
  demo = await startDemoProcess(dataDirectory);
});

afterAll(async () => {
  await demo[Symbol.asyncDispose]();
  await rm(dataDirectory, { recursive: true });
});

describe("page", () => {
  test("serves itself and all that it loads", async () => {
    const page = await fetch(demo.url);
    expect(page.status).toBe(200);
    expect(page.headers.get("content-type")).toBe("text/html; charset=utf-8");
    const loaded = [...(await page.text()).matchAll(/(?:href|src)="(\/[^"]+)"/g)].map(
      ([, path]) => path,
    );
    expect(loaded).toHaveLength(3);
    for (const path of loaded) {
      expect((await fetch(at(path ?? ""))).status).toBe(200);
    }
  });

  test.each(["nothing", "..%2fpackage.json", "page.css/", "host/session"])(
    "answers 404 to /%s",
    async (path) => {
      expect((await fetch(at(path))).status).toBe(404);
    },
  );

  test("tells of the host and its plugins", async () => {
    const { host, plugins } = await statusOf(demo);
    expect(host.pid).toBe(demo.pid);
    expect(plugins.map(({ id }) => id)).toEqual([
      "files",
      "events",
      "hello",
      "chat",
      "express",
      "hono",
    ]);
    expect(new Set([host.pid, ...plugins.map(({ pid }) => pid)])).toHaveLength(7);
  });
});

describe("hello", () => {
  test("greets a stranger, whatever the headers claim", async () => {
    expect(await hello({ "x-user-id": "root", X_User_Id: "root" })).toMatchObject({
      greeting: "Hello, stranger",
      url: "/a%2Fb?q=1",
      userHeader: null,
      context: {},
    });
  });

  test("greets who signed in, and sees no cookie of the host's", async () => {
    const cookie = await cookieOf("ada");
    expect(await hello({ cookie: `${cookie}; theme=dark`, "x-user-id": "root" })).toMatchObject({
      greeting: "Hello, ada",
      userHeader: "ada",
      cookie: "theme=dark",
      context: { user: "ada" },
    });
  });

  test.each(["", "{", "null", '{"user":""}', '{"user":"a b"}', `{"user":"${"a".repeat(2_000)}"}`])(
    "signs nobody in by %j",
    async (body) => {
      expect((await signIn(body)).status).toBe(400);
    },
  );

  test("signs nobody in by a form of another site", async () => {
    expect((await signIn('{"user":"ada"}', "text/plain")).status).toBe(400);
  });
});

describe("files", () => {
  test.each([0, 1, 65_537, 5_000_000])("stores %i bytes and gives them back", async (sizeBytes) => {
    const bytes = randomBytes(sizeBytes);
    const name = `stored-${sizeBytes}.bin`;
    const stored = await fetch(content(name), { method: "PUT", body: bytes });
    expect(stored.status).toBe(201);
    const file = { name, sizeBytes, sha256: sha256Of(bytes) };
    expect(await stored.json()).toMatchObject(file);
    expect((await overview()).files).toContainEqual(expect.objectContaining(file));
    const back = await fetch(content(name));
    expect(back.headers.get("content-length")).toBe(String(sizeBytes));
    expect(back.headers.get("etag")).toBe(`"${file.sha256}"`);
    expect(sha256Of(await back.bytes())).toBe(file.sha256);
  });

  test("gives a range, and 416 beyond the end", async () => {
    const bytes = randomBytes(200_000);
    await fetch(content("ranges.bin"), { method: "PUT", body: bytes });
    const part = await fetch(content("ranges.bin"), { headers: { range: "bytes=70000-139999" } });
    expect(part.status).toBe(206);
    expect(part.headers.get("content-range")).toBe("bytes 70000-139999/200000");
    expect(sha256Of(await part.bytes())).toBe(sha256Of(bytes.subarray(70_000, 140_000)));
    const beyond = await fetch(content("ranges.bin"), { headers: { range: "bytes=200000-" } });
    expect(beyond.status).toBe(416);
    expect(beyond.headers.get("content-range")).toBe("bytes */200000");
  });

  test("answers HEAD with the length and no body", async () => {
    await fetch(content("head.bin"), { method: "PUT", body: randomBytes(1_234) });
    const head = await fetch(content("head.bin"), {
      method: "HEAD",
      headers: { range: "bytes=0-9" },
    });
    expect([head.status, head.headers.get("content-length")]).toEqual([200, "1234"]);
  });

  test("hands a file out to be saved, under its own name, never to be shown", async () => {
    await fetch(content("na%C3%AFve%20(1).html"), { method: "PUT", body: "<script>" });
    const { headers } = await fetch(content("na%C3%AFve%20(1).html"));
    expect(headers.get("content-type")).toBe("application/octet-stream");
    expect(headers.get("content-disposition")).toBe(
      "attachment; filename*=UTF-8''na%C3%AFve%20%281%29.html",
    );
    expect(headers.get("x-content-type-options")).toBe("nosniff");
  });

  test("deletes", async () => {
    await fetch(content("deleted.bin"), { method: "PUT", body: "x" });
    const statuses = [];
    for (const method of ["DELETE", "DELETE", "GET"]) {
      statuses.push((await fetch(content("deleted.bin"), { method })).status);
    }
    expect(statuses).toEqual([204, 404, 404]);
  });

  test.each(["", "..%2Fescaped", ".hidden", "a%00b", "a%ff", "a/b"])(
    "takes no file named %j",
    async (name) => {
      expect((await fetch(content(name), { method: "PUT", body: "x" })).status).toBe(400);
      expect(await readdir(dataDirectory)).not.toContain("escaped");
    },
  );

  test("names the methods that it takes", async () => {
    const answer = await fetch(content("a.bin"), { method: "PATCH" });
    expect([answer.status, answer.headers.get("allow")]).toEqual([405, "GET, HEAD, PUT, DELETE"]);
  });

  test.each(["0", "-1", "fast", "1e12", ""])("reads at no pace of %j", async (pace) => {
    const answer = await fetch(content("a.bin", `?bytesPerSecond=${pace}`), {
      method: "PUT",
      body: "x",
    });
    expect(answer.status).toBe(400);
  });

  test("shows an upload while it runs; cut off, it leaves its reason and no file", async () => {
    const outgoing = request(content("cut.bin"), {
      method: "PUT",
      headers: { "content-length": 10_000_000 },
    });
    const broken = once(outgoing, "error");
    outgoing.write(randomBytes(1_000_000));
    await expect.poll(latestUpload, soon).toMatchObject({
      name: "cut.bin",
      receivedBytes: 1_000_000,
      outcome: { state: "running" },
    });
    expect(await readdir(join(dataDirectory, ".incoming"))).toHaveLength(1);
    outgoing.destroy(new Error("left"));
    await broken;
    await expect.poll(latestUpload, soon).toMatchObject({
      name: "cut.bin",
      outcome: { state: "cancelled", reason: "client-disconnected" },
    });
    await expect.poll(() => readdir(join(dataDirectory, ".incoming")), soon).toEqual([]);
    expect(await readdir(dataDirectory)).not.toContain("cut.bin");
  });
});

describe("events", () => {
  test("tells its subscribers the load; its timer stops with the last of them", async () => {
    expect(await subscribers()).toEqual({ subscribers: 0, timerRuns: false });
    const first = await subscribe();
    expect(first.response.headers["content-type"]).toBe("text/event-stream");
    expect(await first.next()).toMatchObject({ subscribers: 1 });
    const second = await subscribe();
    expect(await second.next()).toMatchObject({ subscribers: 2 });
    const { cpuFraction } = await first.next();
    expect(cpuFraction).toBeGreaterThanOrEqual(0);
    expect(cpuFraction).toBeLessThanOrEqual(1);
    first.response.destroy();
    await expect.poll(subscribers, soon).toEqual({ subscribers: 1, timerRuns: true });
    second.response.destroy();
    await expect.poll(subscribers, soon).toEqual({ subscribers: 0, timerRuns: false });
  });
});

describe("chat", () => {
  test("passes on what anybody says to everybody, in order", async () => {
    await using ada = await enter({ cookie: await cookieOf("ada") });
    await using guest = await enter();
    ada.socket.send("first");
    guest.socket.send("second");
    for (const { heard } of [ada, guest]) {
      await expect
        .poll(() => heard.lines(), soon)
        .toEqual([
          { by: "ada", text: "first" },
          { by: "guest", text: "second" },
        ]);
    }
    await using late = await enter();
    await expect.poll(() => late.heard.lines(), soon).toHaveLength(2);
    await expect.poll(() => ada.heard.present(), soon).toBe(3);
    guest.socket.close(1000);
    await expect.poll(() => ada.heard.present(), soon).toBe(2);
  });

  test("closes on who says too much", async () => {
    await using talker = await enter();
    talker.socket.send("x".repeat(1_025));
    const [code] = (await once(talker.socket, "close")) as [number];
    expect(code).toBe(1009);
  });

  test("lets nobody in from another site", async () => {
    const socket = new WebSocket(at("plugins/chat/"), { origin: "http://elsewhere.example" });
    const [, response] = (await once(socket, "unexpected-response")) as [unknown, IncomingMessage];
    expect(response.statusCode).toBe(403);
    response.destroy();
  });

  test("tells a plain request what it is for", async () => {
    expect((await fetch(at("plugins/chat/"))).status).toBe(426);
  });
});

describe("express", () => {
  test("keeps notes by its own routes", async () => {
    const made = await postNote('{"text":"remember"}');
    expect([made.status, made.headers.get("x-powered-by")]).toEqual([201, "Express"]);
    const note = (await made.json()) as { id: number };
    expect(note).toEqual({ id: note.id, by: "guest", text: "remember" });
    const listed = await fetch(notesUrl());
    expect(await listed.json()).toContainEqual(note);
    // Not by fetch, which asks for a fresh answer where a condition is given by hand.
    const unchanged = await get(notesUrl(), { "if-none-match": listed.headers.get("etag") ?? "" });
    expect(unchanged.statusCode).toBe(304);
    unchanged.resume();
    const deleted = await fetch(at(`plugins/express/notes/${note.id}`), { method: "DELETE" });
    expect(deleted.status).toBe(204);
    expect(await (await fetch(notesUrl())).json()).not.toContainEqual(note);
  });

  test.each([
    ["broken JSON", "{", 400],
    ["no text", "{}", 422],
    ["too long a text", `{"text":"${"x".repeat(201)}"}`, 422],
    ["too large a body", `{"text":"${"x".repeat(5_000)}"}`, 413],
  ])("refuses %s by its own middleware", async (_, body, status) => {
    expect((await postNote(body)).status).toBe(status);
  });
});

describe("hono", () => {
  test("streams its answer, and stops when its client leaves", async () => {
    const response = await get(at("plugins/hono/tale"));
    const [first] = (await once(response, "data")) as [Buffer];
    expect(first.toString()).toBe("A ");
    response.destroy();
    const told = async () => (await fetch(at("plugins/hono/told"))).json();
    await expect.poll(told, soon).toEqual({ told: 0, leftEarly: 1 });
  });
});

describe("a plugin that is killed", () => {
  test("comes back as another process, while its neighbours go on", async () => {
    await using neighbour = await enter();
    const before = await statusOfHono();
    const streaming = await get(at("plugins/hono/tale"));
    const broken = once(streaming, "error");
    expect((await killPlugin("hono")).status).toBe(200);
    const [error] = (await broken) as [Error];
    expect(error.message).toBe("aborted");
    await expect.poll(statusOfHono, soon).toMatchObject({ state: "ready", restarts: 1 });
    expect((await statusOfHono())?.pid).not.toBe(before?.pid);
    expect(await (await fetch(at("plugins/hono/told"))).json()).toEqual({ told: 0, leftEarly: 0 });
    expect(neighbour.socket.readyState).toBe(WebSocket.OPEN);
  });

  test.each(["", "nobody", "../hono"])("is none of the name %j", async (id) => {
    expect((await killPlugin(id)).status).toBe(400);
  });
});

describe("the demo's start and end", () => {
  test.each(["SIGTERM", "SIGINT"] as const)(
    "ends with 0 after %s, with its plugins and its files",
    async (signal) => {
      const short = await startDemoProcess();
      const status = await statusOf(short);
      await access(status.dataDirectory);
      expect(await short.end(signal)).toBe(0);
      await expect(access(status.dataDirectory)).rejects.toThrow("ENOENT");
      for (const { pid } of status.plugins) {
        expect(() => process.kill(pid, 0)).toThrow("ESRCH");
      }
    },
  );
});

function at(path: string): URL {
  return new URL(path, demo.url);
}

async function statusOf({ url }: DemoProcess): Promise<Status> {
  return (await (await fetch(new URL("host", url))).json()) as Status;
}

function content(name: string, query = ""): URL {
  return at(`plugins/files/content/${name}${query}`);
}

async function overview(): Promise<Overview> {
  return (await (await fetch(at("plugins/files/"))).json()) as Overview;
}

async function latestUpload() {
  return (await overview()).uploads[0];
}

async function hello(headers: Record<string, string> = {}): Promise<object> {
  return (await (await fetch(at("plugins/hello/a%2Fb?q=1"), { headers })).json()) as object;
}

async function statusOfHono() {
  return (await statusOf(demo)).plugins.find(({ id }) => id === "hono");
}

function killPlugin(plugin: string): Promise<Response> {
  return fetch(at("host/kill"), {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ plugin }),
  });
}

function signIn(body: string, type = "application/json"): Promise<Response> {
  return fetch(at("host/session"), { method: "POST", headers: { "content-type": type }, body });
}

async function subscribers(): Promise<unknown> {
  return (await fetch(at("plugins/events/subscribers"))).json();
}

async function subscribe() {
  const response = await get(at("plugins/events/"));
  const next = async () => {
    const [data] = (await once(response, "data")) as [Buffer];
    const [, json = ""] = /^data: (.*)\n\n$/.exec(data.toString()) ?? [];
    return JSON.parse(json) as { cpuFraction: number; subscribers: number };
  };
  return { response, next };
}

function notesUrl(): URL {
  return at("plugins/express/notes");
}

function postNote(body: string): Promise<Response> {
  return fetch(notesUrl(), {
    method: "POST",
    headers: { "content-type": "application/json" },
    body,
  });
}

async function get(url: URL, headers: Record<string, string> = {}): Promise<IncomingMessage> {
  const outgoing = request(url, { headers }).end();
  const [response] = (await once(outgoing, "response")) as [IncomingMessage];
  // A connection that breaks later shows in the response.
  outgoing.on("error", () => undefined);
  return response;
}

async function cookieOf(user: string): Promise<string> {
  const signedIn = await signIn(JSON.stringify({ user }));
  return signedIn.headers.get("set-cookie")?.split(";", 1)[0] ?? "";
}

async function enter(headers: Record<string, string> = {}) {
  const socket = new WebSocket(at("plugins/chat/"), { headers });
  const messages: ChatMessage[] = [];
  socket.on("message", (data: Buffer) => messages.push(JSON.parse(data.toString()) as ChatMessage));
  await once(socket, "open");
  const heard = {
    lines: () =>
      messages.flatMap((message) =>
        message.kind === "history" ? message.lines : message.kind === "line" ? [message.line] : [],
      ),
    present: () => messages.findLast((message) => message.kind === "present")?.count,
  };
  return { socket, heard, [Symbol.asyncDispose]: async () => socket.terminate() };
}

function sha256Of(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
