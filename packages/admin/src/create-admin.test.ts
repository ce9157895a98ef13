import { once } from "node:events";
import { chmodSync } from "node:fs";
import { createServer, request as startRequest } from "node:http";
import { connect, createServer as createH2Server } from "node:http2";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { createPluginHost } from "@servehttp/host-bridge";
import { TemporaryDirectory } from "@servehttp/testkit";
import express from "express";
import { pino } from "pino";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ExchangePage, OpenExchange } from "./api/exchange.js";
import type { LogRecord } from "./api/log.js";
import type { Plugin, PluginDetail, PluginList } from "./api/plugin.js";
import type { PluginEvent } from "./api/event.js";
import type { Problem } from "./api/problem.js";
import { type Admin, createAdmin } from "./create-admin.js";
import { AdminServer, type CallInit, token } from "./test-rig/admin-server.js";
import { RunningHost } from "./test-rig/running-host.js";

let running: RunningHost;
let server: AdminServer;
beforeAll(async () => {
  running = await RunningHost.start(
    {
      async serveHTTP(request, response) {
        if (request.url === "/streamed") {
          await response.write("beginning");
        }
        await once(request.signal, "abort");
      },
    },
    {
      plugins: {
        inside: { handler: (_request, response) => void response.end() },
        broken: { command: ["sh", "-c", "printf 'last \\377 words\\n' >&2; exit 3"] },
      },
      timeouts: { waitMs: 0 },
    },
  );
  server = await AdminServer.start(running.host);
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await running[Symbol.asyncDispose]();
});

const problemOf = ({ json }: { readonly json: unknown }) => json as Problem;

/** Sends a request with headers that `fetch` does not allow. */
async function raw(
  where: { readonly port?: number; readonly socketPath?: string },
  method: string,
  path: string,
  headers: Readonly<Record<string, string>>,
): Promise<{ status: number | undefined; body: string }> {
  const asked = startRequest({ host: "127.0.0.1", ...where, method, path, headers }).end();
  const [response] = (await once(asked, "response")) as [
    Parameters<typeof text>[0] & { statusCode: number },
  ];
  return { status: response.statusCode, body: await text(response) };
}

describe("access", () => {
  it.each<[string, unknown, RegExp]>([
    ["none", undefined, /^token: got nothing, allowed are 16 visible ASCII characters or more/],
    ["an empty one", "", /^token: got one of 0 characters/],
    ["a short one", "fifteen-letters", /^token: got one of 15 characters/],
    ["one with a space", "sixteen letters-", /^token: got one with spaces/],
    ["a number", 1_234_567_890_123_456, /^token: got a number/],
  ])("refuses %s as token when it is made", (_what, given, message) => {
    const make = () => createAdmin(running.host, { token: given as string });
    expect(make).toThrow(expect.objectContaining({ code: "invalid-argument" }));
    expect(make).toThrow(message);
  });

  it.each<[object, RegExp]>([
    [{ hosts: ["a b"] }, /^hosts\[0\]: got "a b", allowed is a host name without a port/],
    [{ metrics: 1 }, /^metrics: got 1, allowed is a function/],
    [{ tokens: "" }, /^tokens: no such option \(did you mean token\?\)/],
  ])("refuses the options %j", (options, message) => {
    expect(() => createAdmin(running.host, { token, ...options })).toThrow(message);
  });

  it.each(["/api/plugins", "/api/exchanges", "/api/events", "/api/openapi.json", "/metrics"])(
    "needs the token for %s",
    async (path) => {
      for (const authorization of ["", "Bearer", `Bearer ${token}x`, `Basic ${token}`]) {
        // oxlint-disable-next-line no-await-in-loop
        const answer = await server.call("GET", path, { headers: { authorization } });
        expect([answer.status, answer.headers.get("www-authenticate")]).toEqual([
          401,
          'Bearer realm="servehttp admin"',
        ]);
        expect(problemOf(answer)).toMatchObject({ code: "unauthorized", title: "Unauthorized" });
      }
    },
  );

  it.each<[string, Record<string, string>]>([
    ["a name that leads here by DNS rebinding", { host: "evil.example" }],
    ["the same with a port", { host: "evil.example:80" }],
    ["a name that begins like an own one", { host: "localhost.evil.example" }],
    ["a page of another site", { origin: "http://evil.example" }],
    ["a page of another port", { origin: "http://127.0.0.1:1" }],
    ["a page without an origin", { origin: "null" }],
    ["a browser that says so", { "sec-fetch-site": "cross-site" }],
    ["a page of the same site", { "sec-fetch-site": "same-site" }],
  ])("refuses %s", async (_what, headers) => {
    const port = Number(new URL(server.url).port);
    const all = { authorization: `Bearer ${token}`, ...headers };
    const answer = await raw({ port }, "GET", "/api/plugins", all);
    expect([answer.status, (JSON.parse(answer.body) as Problem).code]).toEqual([403, "forbidden"]);
  });

  it.each<Record<string, string>>([
    {},
    { host: "localhost" },
    { host: "[::1]:9090" },
    { host: "admin.example.org:8443", origin: "https://admin.example.org:8443" },
    {
      host: "Admin.Example.org",
      origin: "https://admin.example.org",
      "sec-fetch-site": "same-origin",
    },
    { "sec-fetch-site": "none" },
  ])("takes its own page and its own names: %j", async (headers) => {
    await using named = await AdminServer.start(running.host, { hosts: ["admin.example.org"] });
    const port = Number(new URL(named.url).port);
    const all = { authorization: `Bearer ${token}`, ...headers };
    expect((await raw({ port }, "GET", "/api/host", all)).status).toBe(200);
  });

  it("answers probes without a token and under any name, and tells strangers no plugins", async () => {
    const port = Number(new URL(server.url).port);
    const probe = (path: string) => raw({ port }, "GET", path, { host: "admin.default.svc" });
    expect(await probe("/healthz")).toEqual({ status: 200, body: '{"status":"ok"}\n' });
    expect(await probe("/readyz")).toEqual({ status: 503, body: '{"status":"not-ready"}\n' });
  });

  it("takes no token on a unix socket, where a header stands for what no form can send", async () => {
    await using directory = await TemporaryDirectory.make();
    const admin = createAdmin(running.host, { token: false });
    const socket = createServer(admin).listen(directory.socketPath);
    await once(socket, "listening");
    chmodSync(directory.socketPath, 0o600);
    const ask = (method: string, path: string, headers = {}) =>
      raw({ socketPath: directory.socketPath }, method, path, { host: "localhost", ...headers });
    expect((await ask("GET", "/api/plugins")).status).toBe(200);
    expect((await ask("POST", "/api/plugins/notes/reload")).status).toBe(403);
    const told = { "x-servehttp-admin": "1" };
    expect((await ask("POST", "/api/plugins/notes/reload", told)).status).toBe(200);
    expect((await ask("GET", "/api/plugins", { host: "evil.example" })).status).toBe(403);
    admin.close();
    socket.close();
  });

  it("answers nobody but probes over TCP where it has no token", async () => {
    await using open = await AdminServer.start(running.host, { token: false });
    const answer = await open.call("GET", "/api/plugins");
    expect([answer.status, problemOf(answer).detail]).toEqual([
      403,
      "this admin has no token, so it answers on a unix socket alone",
    ]);
    expect((await open.call("GET", "/healthz")).status).toBe(200);
  });

  it("sends what keeps its pages apart from others with every answer", async () => {
    for (const path of ["/api/plugins", "/nothing", "/healthz"]) {
      // oxlint-disable-next-line no-await-in-loop
      const { headers } = await server.call("GET", path);
      expect(Object.fromEntries(headers)).toMatchObject({
        "cache-control": "no-store",
        "content-security-policy": expect.stringMatching(
          /^default-src 'none'; script-src 'self'; style-src 'self'; (?!.*unsafe)/,
        ),
        "x-content-type-options": "nosniff",
        "x-frame-options": "DENY",
        "referrer-policy": "no-referrer",
      });
    }
  });
});

describe("calls that can't be right", () => {
  it.each<[string, string, CallInit, number, RegExp]>([
    ["GET", "/api/nothing", {}, 404, /^there is no \/api\/nothing here/],
    ["GET", "//evil.example/api/host", {}, 404, /^there is no/],
    ["POST", "/api/plugins", {}, 405, /^POST is not for \/api\/plugins, but GET$/],
    ["GET", "/api/plugins?samples=301", {}, 400, /^samples: /],
    ["GET", "/api/plugins?samples=many", {}, 400, /^samples: /],
    ["GET", "/api/plugins?sample=1", {}, 400, /^the query: Unrecognized key/],
    ["GET", "/api/plugins/%ff", {}, 400, /no percent-encoded UTF-8$/],
    ["GET", "/api/exchanges?after=x", {}, 400, /^after: /],
    ["GET", "/api/exchanges?limit=501", {}, 400, /^limit: /],
    ["GET", "/metrics", {}, 404, /^no metrics here/],
    ["PUT", "/api/log-level", { body: "{}" }, 400, /^the body has to be JSON/],
    ["PUT", "/api/log-level", jsonBody("{"), 400, /^the body is no JSON$/],
    ["PUT", "/api/log-level", jsonBody('{"level":"loud"}'), 400, /^level: /],
    [
      "PUT",
      "/api/log-level",
      jsonBody(`{"level":"${"x".repeat(5_000)}"}`),
      400,
      /more than 4096 bytes$/,
    ],
    ["PUT", "/api/log-level", jsonBody('{"level":"debug"}'), 501, /no level that can be set$/],
    ["DELETE", "/api/exchanges/none", {}, 404, /^no exchange "none" is open; it may be over$/],
  ])("%s %s is answered with what is wrong", async (method, path, init, status, detail) => {
    const answer = await server.call(method, path, init);
    expect(answer.status).toBe(status);
    expect(problemOf(answer)).toMatchObject({ status, detail: expect.stringMatching(detail) });
  });

  it.each([
    ["GET", "/api/plugins/none"],
    ["POST", "/api/plugins/none/reload"],
    ["GET", "/api/plugins/none/logs"],
    ["GET", "/api/exchanges?plugin=none"],
  ])("%s %s names the plugins that there are", async (method, path) => {
    const answer = await server.call(method, path);
    expect(answer.status).toBe(404);
    expect(problemOf(answer)).toMatchObject({
      code: "unknown-plugin",
      detail: 'there is no plugin "none"; there are notes, inside, broken',
      plugins: ["notes", "inside", "broken"],
    });
  });

  it("tells a logger of what threw in the application's metrics, and nobody else", async () => {
    const logged: unknown[] = [];
    const logger = { error: (details: object) => void logged.push(details) };
    const metrics = () => Promise.reject(new Error("no registry"));
    await using failing = await AdminServer.start(running.host, { metrics, logger });
    const answer = await fetch(`${failing.url}/metrics`, {
      headers: { authorization: `Bearer ${token}` },
    });
    expect([answer.status, ((await answer.json()) as Problem).code]).toEqual([500, "internal"]);
    expect(logged).toMatchObject([{ err: { message: "no registry" }, url: "/metrics" }]);
  });
});

describe("plugins", () => {
  it("are listed, and told of one by one", async () => {
    const { plugins } = (await server.call("GET", "/api/plugins")).json as PluginList;
    expect(plugins.map(({ id, state, isRequired }) => [id, state, isRequired])).toEqual([
      ["notes", "ready", true],
      ["inside", "in-process", true],
      ["broken", expect.stringMatching(/backing-off|starting|failed/), true],
    ]);
    expect(plugins[0]?.series.atUnixMs.length).toBeGreaterThan(0);
    const few = (await server.call("GET", "/api/plugins?samples=0")).json as PluginList;
    expect(few.plugins[0]?.series.atUnixMs).toEqual([]);
    const one = (await server.call("GET", "/api/plugins/notes")).json as PluginDetail;
    expect(one.history).toMatchObject([{ state: "ready", failure: null }]);
  });

  it("say why they failed, with their last words, whatever bytes those are", async () => {
    const detail = async () =>
      (await server.call("GET", "/api/plugins/broken")).json as PluginDetail;
    await expect
      .poll(async () => (await detail()).history.some(({ failure }) => failure !== null))
      .toBe(true);
    const failed = (await detail()).history.find(({ failure }) => failure !== null);
    expect(failed).toMatchObject({
      state: expect.stringMatching(/backing-off|failed/),
      reason: "it exited with code 3 before it was ready",
      failure: { exitCode: 3, stderr: ["last \uFFFD words"] },
    });
  });

  it("are reloaded, stopped, started and restarted", async () => {
    const act = async (action: string) => {
      const { json, status } = await server.call("POST", `/api/plugins/notes/${action}`);
      return [status, (json as Plugin).state, (json as Problem).detail];
    };
    expect(await act("reload")).toEqual([200, "ready", undefined]);
    expect(await act("stop")).toEqual([200, "stopped", undefined]);
    expect(await act("reload")).toEqual([
      409,
      undefined,
      "plugin notes is stopped; start it first",
    ]);
    expect(await act("start")).toEqual([200, "ready", undefined]);
    expect(await act("restart")).toEqual([200, "ready", undefined]);
    const { history } = (await server.call("GET", "/api/plugins/notes")).json as PluginDetail;
    const reasons = new Set(history.map(({ reason }) => reason));
    expect([...reasons]).toEqual([
      null,
      "stop by the admin API",
      "start by the admin API",
      "restart by the admin API",
    ]);
  });

  it("that are given up say so when they are reloaded, with what they printed", async () => {
    const answer = await server.call("POST", "/api/plugins/broken/reload");
    expect(answer.status).toBe(502);
    expect(problemOf(answer)).toMatchObject({
      code: "plugin-failed",
      detail: expect.stringMatching(/^plugin broken: it exited with code 3 before it was ready/),
      stderr: ["last \uFFFD words"],
    });
  });

  it("inside the host's process have nothing to reload", async () => {
    const answer = await server.call("POST", "/api/plugins/inside/reload");
    expect([answer.status, problemOf(answer).code]).toEqual([409, "wrong-state"]);
  });
});

describe("exchanges", () => {
  it("are listed while they are open, and broken off one by one", async () => {
    const streamed = await fetch(`${running.url}/streamed`);
    const held = fetch(`${running.url}/held?secret=1`);
    const list = async () => (await server.call("GET", "/api/exchanges")).json as ExchangePage;
    await expect.poll(async () => (await list()).total).toBe(2);
    const { exchanges, next, waits } = await list();
    expect(exchanges).toMatchObject([
      { path: "/streamed", state: "responding", status: 200, responseBytes: 9, requestBytes: 0 },
      { path: "/held", state: "unanswered", status: null, waitsFor: "plugin-to-write" },
    ]);
    expect([next, waits["plugin-to-write"]]).toEqual([null, 2]);
    const found = async (query: string) => {
      const page = (await server.call("GET", `/api/exchanges?${query}`)).json as ExchangePage;
      return [page.total, page.exchanges.map(({ path }) => path), page.waits["plugin-to-write"]];
    };
    expect(await found("match=GET+HELD")).toEqual([1, ["/held"], 1]);
    expect(await found("match=held+responding")).toEqual([0, [], 0]);
    expect(await found("waitsFor=client-to-read")).toEqual([0, [], 2]);
    expect(await found("waitsFor=plugin-to-write&match=200")).toEqual([1, ["/streamed"], 1]);
    for (const { id } of exchanges) {
      // oxlint-disable-next-line no-await-in-loop
      expect((await server.call("DELETE", `/api/exchanges/${id}`)).status).toBe(204);
      // oxlint-disable-next-line no-await-in-loop
      expect((await server.call("DELETE", `/api/exchanges/${id}`)).status).toBe(404);
    }
    expect((await held).status).toBe(503);
    await expect(streamed.text()).rejects.toThrow(TypeError);
    expect((await list()).total).toBe(0);
  });

  it("are paged, ten thousand of them, while some begin and others end", async () => {
    const exchange = (at: number) => ({
      id: `x-${at.toString(36)}`,
      plugin: at % 2 === 0 ? "notes" : "inside",
      method: "GET",
      path: "/",
      remoteAddress: "",
      startedAt: new Date(Math.floor(at / 3)),
      ageMs: 1,
      state: "unanswered" as const,
      status: undefined,
      requestBytes: 0,
      responseBytes: 0,
      waitsFor: "client-to-send" as const,
    });
    let exchanges = Array.from({ length: 10_000 }, (_, at) => exchange(at)).toReversed();
    const host = new Proxy(running.host, {
      get: (of, name) =>
        name === "exchanges" ? exchanges : (Reflect.get(of, name, of) as unknown),
    });
    const bound = Object.assign(Object.create(host) as typeof host, {
      onStateChange: running.host.onStateChange.bind(running.host),
      onLogRecord: running.host.onLogRecord.bind(running.host),
    });
    await using many = await AdminServer.start(bound);
    const seen: OpenExchange[] = [];
    for (let next: string | null = ""; next !== null;) {
      const after: string = next === "" ? "" : `&after=${encodeURIComponent(next)}`;
      // oxlint-disable-next-line no-await-in-loop
      const { json } = await many.call("GET", `/api/exchanges?limit=500${after}`);
      const page = json as ExchangePage;
      seen.push(...page.exchanges);
      next = page.next;
      // The last one that was seen is over by now, and another one has begun.
      const last = seen.at(-1)?.id;
      exchanges = [...exchanges.filter(({ id }) => id !== last), exchange(10_000 + seen.length)];
    }
    const ids = new Set(seen.map(({ id }) => id));
    expect(ids.size).toBe(seen.length);
    expect(
      Array.from({ length: 10_000 }, (_, at) => exchange(at).id).filter((id) => !ids.has(id)),
    ).toEqual([]);
    const { json } = await many.call("GET", "/api/exchanges?plugin=inside&state=tunnel&limit=1");
    expect(json).toMatchObject({ total: 0, exchanges: [], next: null });
  });
});

describe("streams", () => {
  it("tell first of all plugins, then of each change and each second", async () => {
    const over = new AbortController();
    const names: string[] = [];
    const changes: (string | undefined)[] = [];
    for await (const { name, data } of await server.follow("/api/events", over.signal)) {
      names.push(name);
      if (name === "plugins") {
        void server.call("POST", "/api/plugins/notes/restart");
      }
      if (name === "plugin" && (data as PluginEvent).plugin.id === "notes") {
        changes.push((data as PluginEvent).change?.state);
      }
      if (changes.includes("stopped") && changes.at(-1) === "ready" && names.includes("sample")) {
        break;
      }
    }
    over.abort();
    expect(names[0]).toBe("plugins");
    expect(changes).toEqual(expect.arrayContaining(["draining", "stopping", "starting", "ready"]));
  });

  it("of a log show what was, what comes, and what a client has missed", async () => {
    const over = new AbortController();
    const texts: string[] = [];
    let id: string | undefined;
    for await (const event of await server.follow("/api/plugins/broken/logs", over.signal)) {
      const { fields, message, stream } = event.data as LogRecord;
      texts.push(`${stream} ${message}`);
      id ??= event.id;
      if (texts.length === 1) {
        // It fails again, which it says.
        void server.call("POST", "/api/plugins/broken/reload");
      }
      if (texts.filter((one) => one === "stderr last \uFFFD words").length > 1 && fields !== null) {
        break;
      }
    }
    over.abort();
    const again = await server.follow(
      "/api/plugins/broken/logs?follow=false&tail=0",
      AbortSignal.timeout(10_000),
      {
        "last-event-id": id ?? "",
      },
    );
    const missed: string[] = [];
    for await (const { data } of again) {
      missed.push(`${(data as LogRecord).stream} ${(data as LogRecord).message}`);
    }
    expect(missed.slice(0, texts.length - 1)).toEqual(texts.slice(1));
  });

  it("of a log begin anew for a client whose last event came from another host", async () => {
    const path = "/api/plugins/broken/logs?follow=false&tail=1";
    const from = { "last-event-id": "123456789" };
    const records = await server.follow(path, AbortSignal.timeout(10_000), from);
    const seen: string[] = [];
    for await (const { data } of records) {
      seen.push((data as LogRecord).plugin);
    }
    expect(seen).toEqual(["broken"]);
  });

  it("of a log leave out what is below the wanted level", async () => {
    const path = "/api/plugins/broken/logs?follow=false&level=warn";
    const levels = new Set<string>();
    for await (const { data } of await server.follow(path, AbortSignal.timeout(10_000))) {
      levels.add((data as LogRecord).level);
    }
    expect([...levels].every((level) => level === "warn" || level === "error")).toBe(true);
    expect(levels.size).toBeGreaterThan(0);
  });

  it("end with the admin, and with their plugin", async () => {
    await using other = await AdminServer.start(running.host);
    await running.host.add("brief", { command: ["sh", "-c", "exit 1"] }).catch(() => undefined);
    const untilEnd = async (stream: AsyncIterable<unknown>) => {
      for await (const _ of stream) {
        // Until it ends.
      }
    };
    const signal = AbortSignal.timeout(20_000);
    const brief = await other.follow("/api/plugins/brief/logs", signal);
    await running.host.remove("brief");
    await untilEnd(brief);
    const both = [
      await other.follow("/api/events", signal),
      await other.follow("/api/plugins/notes/logs", signal),
    ];
    other.admin.close();
    await expect(Promise.all(both.map(untilEnd))).resolves.toHaveLength(2);
  });
});

describe("the host", () => {
  it("is ready when the required plugins are, and says which are not", async () => {
    const answer = await server.call("GET", "/readyz");
    expect([answer.status, answer.json]).toEqual([
      503,
      { status: "not-ready", notReady: ["broken"] },
    ]);
    await using some = await AdminServer.start(running.host, { required: ["notes", "inside"] });
    expect((await some.call("GET", "/readyz")).status).toBe(200);
    const { plugins } = (await some.call("GET", "/api/plugins")).json as PluginList;
    expect(plugins.map(({ isRequired }) => isRequired)).toEqual([true, true, false]);
    let takesRequests = false;
    const isReady = (): boolean => takesRequests;
    await using late = await AdminServer.start(running.host, { required: [], isReady });
    expect((await late.call("GET", "/readyz")).status).toBe(503);
    takesRequests = true;
    expect((await late.call("GET", "/readyz")).status).toBe(200);
    await using none = await AdminServer.start(running.host, { required: ["other"] });
    expect((await none.call("GET", "/readyz")).json).toEqual({
      status: "not-ready",
      notReady: ["other"],
    });
  });

  it("logs more or less, as it is told", async () => {
    const logger = pino({ level: "info" }, { write: () => undefined });
    const host = createPluginHost({ logger });
    await using logging = await AdminServer.start(host);
    const set = await logging.call("PUT", "/api/log-level", jsonBody('{"level":"debug"}'));
    expect([set.json, logger.level]).toEqual([{ level: "debug" }, "debug"]);
    expect((await logging.call("GET", "/api/host")).json).toMatchObject({ logLevel: "debug" });
  });

  it("describes its own API", async () => {
    const { json: description } = await server.call("GET", "/api/openapi.json");
    expect(description).toMatchObject({ openapi: "3.1.0" });
  });

  it("gives /metrics to what answers them", async () => {
    await using measured = await AdminServer.start(running.host, {
      metrics: (_request, response) => {
        response.setHeader("content-type", "text/plain; version=0.0.4");
        response.end("up 1\n");
      },
    });
    expect((await measured.call("GET", "/metrics")).text).toBe("up 1\n");
    expect((await measured.call("GET", "/api/host")).json).toMatchObject({ hasMetrics: true });
  });
});

describe("mounted", () => {
  async function listening(admin: Admin, make: (admin: Admin) => ReturnType<typeof createServer>) {
    const mounted = make(admin).listen(0, "127.0.0.1");
    await once(mounted, "listening");
    return { mounted, port: (mounted.address() as AddressInfo).port };
  }

  it("at a prefix of Express, behind its parser of bodies", async () => {
    const logger = pino({ level: "info" }, { write: () => undefined });
    const host = createPluginHost({ logger });
    const admin = createAdmin(host, { token });
    const { mounted, port } = await listening(admin, (listener) => {
      const app = express();
      app.use(express.json());
      app.use("/admin", listener as never);
      return createServer(app);
    });
    const response = await fetch(`http://127.0.0.1:${port}/admin/api/log-level`, {
      method: "PUT",
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      body: '{"level":"warn"}',
    });
    expect([response.status, await response.json(), logger.level]).toEqual([
      200,
      { level: "warn" },
      "warn",
    ]);
    admin.close();
    mounted.close();
  });

  it("in a server of HTTP/2", async () => {
    const admin = createAdmin(running.host, { token });
    const { mounted, port } = await listening(
      admin,
      (listener) => createH2Server(listener as never) as never,
    );
    const session = connect(`http://127.0.0.1:${port}`);
    const ask = async (path: string) => {
      const stream = session.request({ ":path": path, authorization: `Bearer ${token}` });
      const [headers] = (await once(stream, "response")) as [Record<string, unknown>];
      return { stream, status: headers[":status"] };
    };
    const { status, stream } = await ask("/api/plugins");
    expect([status, (JSON.parse(await text(stream)) as PluginList).plugins.length]).toEqual([
      200, 3,
    ]);
    const events = await ask("/api/events");
    const [first] = (await once(events.stream, "data")) as [Buffer];
    expect(first.toString()).toMatch(/^:\n\n/);
    admin.close();
    await once(events.stream, "close");
    session.close();
    mounted.close();
  });
});

function jsonBody(body: string): CallInit {
  return { body, headers: { "content-type": "application/json" } };
}
