import { once } from "node:events";
import { expect, it } from "vitest";
import { WebSocket } from "ws";
import { documentedPrograms } from "../hosts/documented-programs.js";
import { RunningProgram } from "../hosts/running-program.js";
import { pageAt } from "./pages.js";

const programs = documentedPrograms(pageAt("docs/getting-started.md"));
const [hello = "", host = "", chat = "", application = ""] = programs.values();

it("runs every program of docs/getting-started.md", () => {
  expect([...programs.keys()]).toEqual([
    "A first plugin",
    "A first host",
    "The plugin",
    "The application",
  ]);
});

it("answers by the first plugin behind the first host", async () => {
  await using program = await RunningProgram.start(host, { "hello.js": hello });
  const response = await fetch(`http://localhost:${program.port}/plugins/hello/world`);
  expect(await response.text()).toContain("You asked for /world");
});

it("has a chat behind a login", async () => {
  await using program = await RunningProgram.start(application, { "chat.js": chat });
  const site = `http://localhost:${program.port}`;

  const stranger = await fetch(`${site}/plugins/chat/`, { redirect: "manual" });
  expect([stranger.status, stranger.headers.get("location")]).toEqual([302, "/login"]);
  expect(await (await fetch(`${site}/login`)).text()).toContain("<form");
  await expect(open(site, "")).rejects.toThrow("401");

  const ann = await logIn(site, "ann");
  const zoe = await logIn(site, "Żoë");
  const page = await fetch(`${site}/plugins/chat/`, { headers: { cookie: ann } });
  expect(await page.text()).toContain("<title>Chat</title>");
  const first = await open(site, ann);
  const second = await open(site, zoe);
  second.send("hello");
  const [heard] = (await once(first, "message")) as [Buffer];
  expect(heard.toString()).toBe("Żoë: hello");

  const closed = Promise.all([once(first, "close"), once(second, "close")]);
  expect(await program.exitCodeAfter("SIGTERM")).toBe(0);
  expect((await closed).map(([code]: unknown[]) => code)).toEqual([1012, 1012]);
});

async function logIn(site: string, name: string): Promise<string> {
  const body = new URLSearchParams({ name });
  const response = await fetch(`${site}/login`, { method: "POST", body, redirect: "manual" });
  expect(response.headers.get("location")).toBe("/plugins/chat/");
  return response.headers.get("set-cookie")?.split(";")[0] ?? "";
}

async function open(site: string, cookie: string): Promise<WebSocket> {
  const url = `${site.replace("http", "ws")}/plugins/chat/socket`;
  const socket = new WebSocket(url, { headers: { cookie } });
  await once(socket, "open");
  return socket;
}
