import { writeFile } from "node:fs/promises";
import { TemporaryDirectory } from "@servehttp/testkit";
import { expect, it } from "vitest";
import { runCommand } from "../test-rig/command-in-memory.js";
import { pluginPath } from "../test-rig/plugin-path.js";

it("says of each plugin how its start went, and ends with 1 where one failed", async () => {
  await using directory = await TemporaryDirectory.make();
  await writeFile(directory.at("broken.mjs"), "throw new Error('no database');\n");
  const well = ["--plugin", `hello=${pluginPath("hello")}`];
  const broken = ["--plugin", "broken=./broken.mjs"];
  const check = (...flags: string[]) => runCommand(["check", ...flags], { cwd: directory.path });
  expect(await check(...well)).toEqual({
    exitCode: 0,
    stdout: "plugin  result\nhello   ok      mux\n",
    stderr: "",
  });
  const result = await check(...well, ...broken);
  expect(result).toMatchObject({ exitCode: 1, stderr: "" });
  expect(result.stdout).toContain("hello   ok      mux\n");
  expect(result.stdout).toMatch(
    /^broken {2}FAILED {2}it exited with code 1 before it was ready\n {2}.*broken\.mjs:1\n/m,
  );
  expect(result.stdout).toContain("Error: no database");
});

it("has nothing to say of a config without plugins", async () => {
  await using directory = await TemporaryDirectory.make();
  expect(await runCommand(["check"], { cwd: directory.path })).toEqual({
    exitCode: 0,
    stdout: "no plugins\n",
    stderr: "",
  });
});
