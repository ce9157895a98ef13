import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, symlinkSync } from "node:fs";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { TemporaryDirectory } from "@servehttp/testkit";
import { describe, expect, it } from "vitest";
import { CommandInMemory, runCommand } from "../test-rig/command-in-memory.js";
import { templateNames } from "./templates.js";

const nodeModules = fileURLToPath(new URL("../../../../node_modules", import.meta.url));

/** The SDKs of Python and Go are there in another step of the gate, which runs these templates. */
const nodeTemplates = templateNames.filter((name) => name !== "python" && name !== "go");

describe("a new plugin", () => {
  it.concurrent.each(nodeTemplates)(
    "of the template %s serves a page at once, and its test passes",
    async (template) => {
      await using directory = await TemporaryDirectory.make();
      const made = await runCommand(["init", "notes", "--template", template, "--no-install"], {
        cwd: directory.path,
        environment: {},
      });
      expect(made).toMatchObject({ exitCode: 0, stderr: "" });
      expect(made.stdout).toContain(
        "now run: (cd notes && npm install) && servehttp --plugin notes=./notes\n",
      );
      symlinkSync(nodeModules, directory.at("node_modules"));
      const tested = testRun(directory.at("notes"));
      await using command = new CommandInMemory(["--plugin", "notes=./notes", "--port", "0"], {
        cwd: directory.path,
      });
      const [, address = ""] = await command.said(/^notes {2}READY {3}(\S+)$/m);
      const page = await fetch(address);
      expect([page.status, page.headers.get("content-type")]).toEqual([
        200,
        expect.stringMatching(/^text\/html; charset=utf-8$/i),
      ]);
      expect(await page.text()).toContain("<h1>Hello from notes</h1>");
      expect((await fetch(`${address}nothing`)).status).toBe(404);
      expect(await tested).toEqual({ exitCode: 0, passed: 2 });
    },
  );
});

/** Runs the tests of a plugin, as `node --test` does, in one process less. */
async function testRun(folder: string): Promise<{ exitCode: unknown; passed: number }> {
  const file = readdirSync(folder).find((name) => name.includes(".test.")) ?? "";
  const child = spawn(process.execPath, [file], {
    cwd: folder,
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [printed, [exitCode]] = await Promise.all([text(child.stdout), once(child, "exit")]);
  return { exitCode, passed: Number(/^\W*pass (\d+)$/m.exec(printed)?.[1]) };
}
