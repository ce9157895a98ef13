import type { PluginStatus } from "@servehttp/host-bridge";
import { childrenOf } from "@servehttp/testkit";
import { copyFileSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { documentedPrograms } from "../hosts/documented-programs.js";
import { RunningProgram } from "../hosts/running-program.js";
import { pageAt } from "./pages.js";

const programs = documentedPrograms(pageAt("docs/host-api.md"));

async function started(heading: string): Promise<RunningProgram> {
  return await RunningProgram.start(programs.get(heading) ?? "");
}

it("adds, reloads, removes and tells plugins by the program of docs/host-api.md", async () => {
  expect([...programs.keys()]).toEqual([
    "apply",
    "heapSnapshot and cpuProfile",
    "Ready-made identities",
    "Watch a plugin's files",
    "Hosts on every core",
    "All of it in one program",
  ]);
  await using program = await started("All of it in one program");
  const site = `http://localhost:${program.port}`;
  const plugins = async () => (await (await fetch(`${site}/plugins`)).json()) as PluginStatus[];
  const post = async (path: string) => (await fetch(`${site}${path}`, { method: "POST" })).status;
  const hello = async (id: string) => (await fetch(`${site}/plugins/${id}/hello`)).status;

  const [before] = await plugins();
  expect(before).toMatchObject({ id: "notes", state: "ready" });
  expect(await post("/reload/notes")).toBe(200);
  const [after] = await plugins();
  expect(after?.pid).not.toBe(before?.pid);

  expect([await hello("second"), await post("/add/second"), await hello("second")]).toEqual([
    404, 200, 200,
  ]);
  expect([await post("/add/second"), await post("/reload/third")]).toEqual([409, 409]);
  expect((await plugins()).map(({ id }) => id)).toEqual(["notes", "second"]);
  expect([await post("/remove/second"), await hello("second")]).toEqual([200, 404]);
  expect(await program.exitCodeAfter("SIGTERM")).toBe(0);
});

it("applies new options at SIGHUP by the program of docs/host-api.md", async () => {
  await using program = await started("apply");
  const status = async (id: string) =>
    (await fetch(`http://localhost:${program.port}/plugins/${id}/hello`)).status;
  expect([await status("notes"), await status("more")]).toEqual([200, 404]);
  program.signal("SIGHUP");
  await expect.poll(() => status("more")).toBe(200);
  expect(await status("notes")).toBe(200);
});

it("writes a snapshot and a profile by the program of docs/host-api.md", async () => {
  const listens =
    'const { createServer } = await import("node:http"); createServer().listen(8080);';
  const code = (programs.get("heapSnapshot and cpuProfile") ?? "").replace("10_000", "50");
  await using program = await RunningProgram.start(code + listens);
  const read = (name: string): object =>
    JSON.parse(readFileSync(join(program.directory, name), "utf8")) as object;
  expect(Object.keys(read("notes.heapsnapshot"))).toContain("nodes");
  expect(Object.keys(read("notes.cpuprofile"))).toContain("samples");
});

it("lets nobody in with a token that does not count by the program of docs/host-api.md", async () => {
  await using program = await started("Ready-made identities");
  const status = async (headers: Record<string, string>) =>
    (await fetch(`http://localhost:${program.port}/plugins/notes/hello`, { headers })).status;
  expect(await status({})).toBe(200);
  expect(await status({ authorization: "Bearer no.token.atall" })).toBe(401);
});

it("reloads a plugin whose file changes by the program of docs/host-api.md", async () => {
  await using program = await started("Watch a plugin's files");
  const events = await fetch(`http://localhost:${program.port}/plugins/notes/.servehttp/live`);
  const generations = new Set<string>();
  for await (const chunk of events.body ?? []) {
    for (const [, generation = ""] of Buffer.from(chunk)
      .toString()
      .matchAll(/^data: (.*)$/gm)) {
      generations.add(generation);
    }
    if (generations.size === 1) {
      const notes = join(program.directory, "notes.js");
      copyFileSync(notes, join(program.directory, "copy.js"));
    } else {
      break;
    }
  }
  expect(generations.size).toBe(2);
  expect(await program.exitCodeAfter("SIGTERM")).toBe(0);
});

it("serves a plugin by two workers, and replaces one, by the program of docs/host-api.md", async () => {
  await using program = await started("Hosts on every core");
  const hello = async () =>
    (await fetch(`http://localhost:${program.port}/plugins/notes/hello`)).status;
  // The primary and both workers: where all that listen are gone, the next one has another port.
  await expect.poll(() => program.servers).toBe(3);
  const workers = () => childrenOf(program.pid, "program.js");
  expect(await hello()).toBe(200);
  const before = workers();
  expect(before.length).toBe(2);
  const [plugin] = childrenOf(program.pid, "notes.js");
  process.kill(before[0] ?? 0, "SIGKILL");
  await expect.poll(() => workers().filter((pid) => !before.includes(pid)).length).toBe(1);
  expect(await hello()).toBe(200);
  expect(childrenOf(program.pid, "notes.js")).toEqual([plugin]);
  expect(await program.exitCodeAfter("SIGTERM")).toBe(0);
});
