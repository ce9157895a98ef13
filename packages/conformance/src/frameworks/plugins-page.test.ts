import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { createPluginHost, type PluginHost } from "@servehttp/host-bridge";
import { io } from "socket.io-client";
import { expect, it } from "vitest";
import { documentedPrograms } from "../hosts/documented-programs.js";
import { ProgramDirectory } from "../hosts/program-directory.js";
import { seededBytes, sha256 } from "../seeded-bytes.js";
import { callApp, jsonOf, openAnswer, openRequest, textOf } from "./call-app.js";
import { type AppAddress, appAddress } from "./served-app.js";
import { StockWebSocket } from "./stock-web-socket.js";

const page = new URL("../../../../docs/plugins.md", import.meta.url);
const programs = documentedPrograms(page);
const bytes = seededBytes("a body for the docs", 300_000);

type LogRecord = Readonly<Record<string, unknown>>;
type Check = (app: AppAddress, host: PluginHost, records: readonly LogRecord[]) => Promise<void>;

const checks: Readonly<Record<string, Check>> = {
  async serveHTTP(app) {
    const hashed = await callApp(app, "/", { body: bytes });
    expect(textOf(hashed)).toBe(`${sha256(bytes)}\n`);
    const refused = await callApp(app, "/");
    expect([refused.status, refused.headers.allow]).toEqual([405, "POST"]);
  },
  async fetch(app) {
    expect(textOf(await callApp(app, "/upper", { body: "quiet" }))).toBe("QUIET");
    const facts = jsonOf(await callApp(app, "/a/b"));
    expect(facts).toMatchObject({ pathname: "/a/b", user: "ada" });
  },
  async node(app) {
    const hello = jsonOf(await callApp(app, "/hello/eve"));
    expect(hello).toMatchObject({ hello: "eve", user: "ada" });
  },
  async "http.Server"(app) {
    expect(textOf(await callApp(app, "/"))).toBe("a page beside socket.io\n");
    const socket = io(`http://127.0.0.1:${app.port}`, { path: `${app.base}/socket.io` });
    const greeting: unknown = await socket.emitWithAck("greet", "ada");
    // The host would wait for a connection that is still there.
    socket.disconnect();
    expect(greeting).toBe("hello ada");
  },
  async "Events, and clients who leave"(app) {
    const events = await openAnswer(app, "/");
    await expect.poll(async () => textOf(await callApp(app, "/readers"))).toBe("1");
    await callApp(app, "/", { body: "rain" });
    const [event] = (await once(events, "data")) as [Buffer];
    expect(event.toString()).toBe("data: rain\n\n");
    events.destroy();
    await expect.poll(async () => textOf(await callApp(app, "/readers"))).toBe("0");
  },
  async Deadlines(app) {
    const [short, long] = await Promise.all([callApp(app, "/short"), callApp(app, "/long")]);
    expect(short.status).toBe(504);
    expect(textOf(long)).toMatch(/^done, due \d{4}-\d\d-\d\dT/);
  },
  async WebSockets(app, host) {
    await using socket = await StockWebSocket.open(app, "/");
    socket.send("hello");
    expect(await socket.message()).toBe("you said hello");
    expect((await callApp(app, "/")).status).toBe(426);
    await host.reload("p");
    expect(await socket.closed()).toBe(1012);
  },
  async Tunnels(app) {
    const request = openRequest(app, "/", { headers: { connection: "upgrade", upgrade: "echo" } });
    request.end();
    const [response, socket, head] = (await once(request, "upgrade")) as [
      IncomingMessage,
      Socket,
      Buffer,
    ];
    expect([response.statusCode, response.headers.upgrade]).toEqual([101, "echo"]);
    socket.unshift(head);
    socket.end(bytes);
    expect(sha256(Buffer.concat(await socket.toArray()))).toBe(sha256(bytes));
  },
  async "Trailers and interim responses"(app) {
    const request = openRequest(app, "/", {
      method: "POST",
      headers: { trailer: "x-sum", te: "trailers" },
    });
    const information = once(request, "information") as Promise<[{ statusCode: number }]>;
    request.addTrailers({ "x-sum": "mine" });
    request.end(bytes);
    const [response] = (await once(request, "response")) as [IncomingMessage];
    expect((await information)[0].statusCode).toBe(103);
    expect(sha256(Buffer.concat(await response.toArray()))).toBe(sha256(bytes));
    expect(response.trailers).toEqual({ "x-sum": sha256(bytes), "x-sum-was": "mine" });
  },
  async "Calling other plugins"(app, host) {
    expect(jsonOf(await callApp(app, "/a/b"))).toEqual({ latest: ["/latest/a/b", "p", "ada"] });
    await host.remove("search");
    expect((await callApp(app, "/a/b")).status).toBe(500);
  },
  async Logging(app, host, records) {
    const traceId = "0af7651916cd43dd8448eb211c80319c";
    const headers = { traceparent: `00-${traceId}-b7ad6b7169203331-01` };
    expect(jsonOf(await callApp(app, "/", { headers }))).toEqual([]);
    const isLogged = ({ message }: LogRecord) => message === "lists the notes";
    await expect.poll(() => records.find(isLogged)).toBeDefined();
    expect(records.find(isLogged)).toMatchObject({
      level: "info",
      plugin: "p",
      pluginPid: host.plugins[0]?.pid,
      requestId: expect.stringMatching(/^[\w-]{8}-1$/) as string,
      trace_id: traceId,
      user: "ada",
    });
  },
};

/** The plugin that the program on calls asks. */
const search = `
import { servePlugin } from "@servehttp/plugin-sdk";
await servePlugin({
  fetch: (request, { calledBy, context }) =>
    Response.json([new URL(request.url).pathname, calledBy, context.user]),
});
`;

it("runs every program of docs/plugins.md", () => {
  expect([...programs.keys()]).toEqual([...Object.keys(checks), "Testing"]);
});

it.each(Object.keys(checks))("runs the plugin of docs/plugins.md below %s", async (heading) => {
  const files = { "p.js": programs.get(heading) ?? "", "search.js": search };
  await using directory = await ProgramDirectory.create(files);
  const run = (script: string) => ({ command: [process.execPath, script], cwd: directory.path });
  const records: LogRecord[] = [];
  const log = (level: string) => (details: LogRecord, message: string) =>
    void records.push({ ...details, level, message });
  await using host = createPluginHost({
    plugins: {
      p: { ...run("p.js"), mayCall: ["search"] },
      ...(heading === "Calling other plugins" && { search: run("search.js") }),
    },
    context: () => ({ user: "ada" }),
    edge: { upgrades: ["websocket", "echo"], trustTraceContext: true },
    timeouts: { headMs: headMsOf(heading), totalMs: 60_000 },
    logger: { debug: log("debug"), info: log("info"), warn: log("warn"), error: log("error") },
  });
  await host.start();
  const server = host.attach(createServer()).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const check = checks[heading];
  expect(check).toBeDefined();
  try {
    await check?.(appAddress("mux", port, "/plugins/p"), host, records);
  } finally {
    server.close();
    server.closeAllConnections();
  }
});

/** A short stand-in for the work of the program. */
function headMsOf(heading: string): number {
  return heading === "Deadlines" ? 1_500 : 30_000;
}

it("runs the test of docs/plugins.md", async () => {
  await using directory = await ProgramDirectory.create({ "t.js": programs.get("Testing") ?? "" });
  const child = spawn(process.execPath, ["t.js"], { cwd: directory.path, stdio: "pipe" });
  const exited = once(child, "exit");
  const output = Buffer.concat(await child.stdout.toArray()).toString();
  expect(output).toContain("greets who the host says it is");
  expect(await exited).toEqual([0, null]);
});
