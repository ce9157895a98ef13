import { expect, it } from "vitest";
import { documentedPrograms } from "../hosts/documented-programs.js";
import { RunningProgram } from "../hosts/running-program.js";
import { pageAt } from "./pages.js";

const programs = documentedPrograms(pageAt("docs/migration.md"));
const [host = "", service = "", inProcess = "", asProcess = ""] = programs.values();

it("runs every program of docs/migration.md", () => {
  expect([...programs.keys()]).toEqual([
    "The host that was a proxy",
    "The service that was behind it",
    "First as a handler in the process",
    "Then as a process",
  ]);
});

it("has the service that was behind a proxy as a plugin, and the application beside it", async () => {
  await using program = await RunningProgram.start(host, { "notes.js": service });
  expect(await get(program, "/")).toBe("the application\n");
  expect(JSON.parse(await get(program, "/plugins/notes/hello"))).toEqual({
    hello: expect.stringMatching(/127\.0\.0\.1|::1/) as unknown,
  });
});

it("has middleware as a handler in the process, then as a process, with the same answers", async () => {
  await using before = await RunningProgram.start(inProcess);
  await using after = await RunningProgram.start(host, { "notes.js": asProcess });
  for (const program of [before, after]) {
    expect(await get(program, "/plugins/notes/hello")).toBe("hello\n");
  }
});

async function get({ port }: RunningProgram, path: string): Promise<string> {
  return (await fetch(`http://localhost:${port}${path}`)).text();
}
