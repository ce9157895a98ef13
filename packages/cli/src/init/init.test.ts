import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { TemporaryDirectory } from "@servehttp/testkit";
import { describe, expect, it } from "vitest";
import { version } from "../context/version.js";
import { runCommand } from "../test-rig/command-in-memory.js";
import { callAgain, installCommands } from "./install.js";

describe("servehttp init", () => {
  it("makes a folder that needs no change", async () => {
    await using directory = await TemporaryDirectory.make();
    await runCommand(["init", "my-notes", "--no-install"], { cwd: directory.path });
    const files = await readdir(directory.at("my-notes"));
    expect(files.toSorted()).toEqual([
      ".gitignore",
      "handler.js",
      "handler.test.js",
      "package.json",
      "plugin.js",
    ]);
    const text = await readFile(directory.at("my-notes/package.json"), "utf8");
    expect(JSON.parse(text)).toMatchObject({
      name: "my-notes",
      scripts: { dev: "servehttp --plugin my-notes=. --watch --live-reload" },
      dependencies: { "@servehttp/plugin-sdk": `^${version}` },
    });
    const contents = await Promise.all(
      files.map((name) => readFile(directory.at(`my-notes/${name}`), "utf8")),
    );
    expect(contents.join("")).not.toContain("{{");
  });

  it("takes an empty folder, and one that only git knows", async () => {
    await using directory = await TemporaryDirectory.make();
    await mkdir(directory.at("notes/.git"), { recursive: true });
    const options = { cwd: directory.at("notes"), environment: {} };
    const made = await runCommand(["init", "--template", "python", "--no-install"], options);
    expect(made).toMatchObject({ exitCode: 0, stderr: "" });
    expect(made.stdout).toContain(" && servehttp --plugin notes=.\n");
  });

  it("touches no folder with something in it", async () => {
    await using directory = await TemporaryDirectory.make();
    await writeFile(directory.at("a.txt"), "mine");
    const cwd = directory.path;
    await mkdir(directory.at("notes"));
    await writeFile(directory.at("notes/a.txt"), "mine");
    expect(await runCommand(["init", "notes"], { cwd })).toEqual({
      exitCode: 2,
      stdout: "",
      stderr: "servehttp: notes: is not empty; there is a.txt\n",
    });
    expect(await readdir(directory.at("notes"))).toEqual(["a.txt"]);
  });

  it.each([
    ["Notes", "Notes: is no name for a plugin; take small letters, digits"],
    ["a b", "a b: is no name for a plugin; take small letters, digits"],
  ])("refuses the name %j", async (name, message) => {
    await using directory = await TemporaryDirectory.make();
    const refused = await runCommand(["init", name], { cwd: directory.path });
    expect(refused).toMatchObject({ exitCode: 2, stdout: "" });
    expect(refused.stderr).toContain(`servehttp: ${message}`);
  });

  it("says which templates there are", async () => {
    const refused = await runCommand(["init", "notes", "--template", "php"]);
    expect(refused.exitCode).toBe(2);
    expect(refused.stderr).toContain(
      "Allowed choices are js, ts, fetch, hono, express, fastify, python, go.",
    );
  });
});

it("says how to call it again as it was called", () => {
  const of = (agent?: string) => callAgain({ npm_config_user_agent: agent });
  expect(of("npm/11.1.0 node/v24.0.0 linux x64 workspaces/false")).toBe("npx servehttp");
  expect(of("pnpm/10.1.0 npm/? node/v24.0.0 linux x64")).toBe("pnpm dlx servehttp");
  expect(of()).toBe("servehttp");
});

describe("installCommands", () => {
  it("takes the package manager that runs the command", () => {
    const of = (agent?: string) => installCommands("js", { npm_config_user_agent: agent });
    expect(of("pnpm/10.1.0 npm/? node/v24.0.0 linux x64")).toEqual([["pnpm", "install"]]);
    expect(of("bun/1.4.0 npm/? node/v24.0.0 linux x64")).toEqual([["bun", "install"]]);
    expect(of()).toEqual([["npm", "install"]]);
  });

  it("makes a virtual environment for Python", () => {
    expect(installCommands("python", {})[0]).toEqual(["python3", "-m", "venv", ".venv"]);
  });
});
