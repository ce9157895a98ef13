import { rename, writeFile } from "node:fs/promises";
import { TemporaryDirectory, until } from "@servehttp/testkit";
import { expect, it } from "vitest";
import { CommandInMemory } from "../test-rig/command-in-memory.js";

const sdk = JSON.stringify(import.meta.resolve("@servehttp/plugin-sdk"));

const program = (text: string) => `
import { servePlugin } from ${sdk};

await servePlugin({ fetch: () => new Response(${JSON.stringify(text)}) });
`;

/** As editors do: nobody sees half of it. */
async function write(path: string, content: string): Promise<void> {
  await writeFile(`${path}~`, content);
  await rename(`${path}~`, path);
}

it("serves what a plugin's file says now, also of one that did not start at first", async () => {
  await using directory = await TemporaryDirectory.make();
  const file = directory.at("notes.mjs");
  await write(file, "broken(;\n");
  const flags = ["--port", "0", "--plugin", "notes=./notes.mjs", "--watch"];
  await using command = new CommandInMemory(flags, { cwd: directory.path });
  const [, address = ""] = await command.said(/^notes {2}FAILED {2}(\S+)$/m);
  const page = () => fetch(address).then((response) => response.text());
  await until(() => command.stderr.includes("watching"), "it watches");
  expect(await page()).toContain("SyntaxError");
  await write(file, program("first"));
  await expect.poll(page).toBe("first");
  await write(file, program("second"));
  await expect.poll(page).toBe("second");
  await write(file, "broken(;\n");
  await expect.poll(() => command.stderr).toContain("SyntaxError");
  expect(await page()).toBe("second");
});

it("brings the host to what the config says now", async () => {
  await using directory = await TemporaryDirectory.make();
  await write(directory.at("notes.mjs"), program("notes"));
  await write(directory.at("tasks.mjs"), program("tasks"));
  const config = directory.at("servehttp.config.json");
  const say = (plugins: object) =>
    write(config, JSON.stringify({ plugins, listen: "127.0.0.1:0", watch: true }));
  await say({ notes: "./notes.mjs" });
  await using command = new CommandInMemory([], { cwd: directory.path });
  await command.said(/^notes {2}READY/m);
  await until(() => command.stderr.includes("watching"), "it watches");
  const address = `${await command.url()}/plugins/tasks/`;
  expect((await fetch(address)).status).toBe(404);
  await say({ notes: "./notes.mjs", tasks: "./tasks.mjs" });
  await expect.poll(() => fetch(address).then((response) => response.text())).toBe("tasks");
  await write(directory.at("tasks.mjs"), program("new tasks"));
  await expect.poll(() => fetch(address).then((response) => response.text())).toBe("new tasks");
});
