import type { PluginStatus } from "@servehttp/host-bridge";
import { expect, it } from "vitest";
import { documentedPrograms } from "../hosts/documented-programs.js";
import { RunningProgram } from "../hosts/running-program.js";
import { pageAt } from "./pages.js";

const programs = documentedPrograms(pageAt("docs/host-api.md"));

it("adds, reloads, removes and tells plugins by the program of docs/host-api.md", async () => {
  expect([...programs.keys()]).toEqual(["All of it in one program"]);
  await using program = await RunningProgram.start([...programs.values()].join());
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
