import { expect, it } from "vitest";
import { documentedPrograms } from "../hosts/documented-programs.js";
import { RunningProgram } from "../hosts/running-program.js";
import { pageAt } from "./pages.js";

const programs = documentedPrograms(pageAt("docs/admin.md"));

it("shows a host by the program of docs/admin.md", async () => {
  expect([...programs.keys()]).toEqual(["The admin"]);
  const [code = ""] = programs.values();
  const token = "the-token-of-this-test";
  // The test is told the port of whoever listens first, in place of 8080.
  const ofAdmin = code
    .replace("host.attach(createServer()).listen(8080);", "")
    .replace("9090", "8080")
    .replace('process.env.ADMIN_TOKEN ?? ""', JSON.stringify(token));
  await using program = await RunningProgram.start(ofAdmin);
  const url = `http://127.0.0.1:${program.port}`;
  const headers = { authorization: `Bearer ${token}` };
  const { plugins } = (await (await fetch(`${url}/api/plugins`, { headers })).json()) as {
    readonly plugins: readonly { readonly id: string; readonly state: string }[];
  };
  expect(plugins).toMatchObject([{ id: "notes", state: "ready" }]);
  expect((await fetch(`${url}/readyz`)).status).toBe(200);
  const page = await fetch(url);
  expect([page.status, page.headers.get("content-type")]).toEqual([
    200,
    "text/html; charset=utf-8",
  ]);
});
