import { once } from "node:events";
import { connect } from "node:net";
import { expect, it } from "vitest";
import { WebSocket } from "ws";
import { documentedPrograms } from "../hosts/documented-programs.js";
import { http1Client } from "../hosts/host-client.js";
import { RunningProgram } from "../hosts/running-program.js";
import { seededBytes, sha256 } from "../seeded-bytes.js";
import { pageAt } from "./pages.js";

const programs = documentedPrograms(pageAt("docs/production.md"));
const [stopping = "", sessions = ""] = programs.values();

it("runs every program of docs/production.md", () => {
  expect([...programs.keys()]).toEqual([
    "To stop without breaking anything",
    "Who the client is for a WebSocket",
  ]);
});

it("stops without breaking a transfer, and takes no new connection (L4)", async () => {
  await using program = await RunningProgram.start(stopping);
  const { port } = program;
  expect((await fetch(`http://localhost:${port}/ready`)).status).toBe(200);

  const bytes = seededBytes("what a host sends while it stops", 1_000_000);
  const { body, response } = http1Client(port, false).call("POST", "/plugins/notes/echo");
  body.write(bytes.subarray(0, 1_000));
  const echo = (await response).body;
  const chunks = [((await once(echo, "data")) as [Buffer])[0]];

  const exitCode = program.exitCodeAfter("SIGTERM");
  await expect.poll(() => connects(port)).toBe(false);
  echo.on("data", (chunk: Buffer) => chunks.push(chunk));
  body.end(bytes.subarray(1_000));
  await once(echo, "end");
  expect(sha256(Buffer.concat(chunks))).toBe(sha256(bytes));
  expect(await exitCode).toBe(0);
});

it("knows the user of a session by a request and by a WebSocket", async () => {
  await using program = await RunningProgram.start(sessions, { "notes.js": tellsUser });
  const site = `localhost:${program.port}`;
  const login = await fetch(`http://${site}/login/ann`, { method: "POST" });
  const cookie = login.headers.get("set-cookie")?.split(";")[0] ?? "";
  for (const [sent, user] of [
    [cookie, "ann"],
    ["", ""],
  ] as const) {
    const response = await fetch(`http://${site}/plugins/notes/`, { headers: { cookie: sent } });
    expect(await response.json()).toEqual({ user });
    const socket = new WebSocket(`ws://${site}/plugins/notes/`, { headers: { cookie: sent } });
    const [message] = (await once(socket, "message")) as [Buffer];
    expect(JSON.parse(message.toString())).toEqual({ user });
    socket.terminate();
  }
});

/** A plugin that says what the host has told it of the client. */
const tellsUser = `
  import { pluginRequestOf, servePlugin } from "@servehttp/plugin-sdk";
  import { WebSocketServer } from "ws";
  const sockets = new WebSocketServer({ noServer: true });
  const contextOf = (request) => JSON.stringify(pluginRequestOf(request).context);
  await servePlugin({
    node: (request, response) => response.end(contextOf(request)),
    upgrade: (request, socket, head) =>
      sockets.handleUpgrade(request, socket, head, (open) => open.send(contextOf(request))),
  });
`;

function connects(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "localhost");
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}
