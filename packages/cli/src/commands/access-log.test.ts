import { readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { TemporaryDirectory, until } from "@servehttp/testkit";
import { describe, expect, it } from "vitest";
import { CommandInMemory, runCommand } from "../test-rig/command-in-memory.js";
import { pluginPath } from "../test-rig/plugin-path.js";

const hello = `hello=${pluginPath("hello")}`;

/** Asks a command's plugin once. */
async function ask(command: CommandInMemory): Promise<void> {
  const [, address] = await command.said(/^hello {2}READY {3}(\S+)$/m);
  await (await fetch(`${address}x?a=1`, { headers: { "user-agent": "me" } })).text();
}

describe("servehttp --access-log", () => {
  it("writes records in JSON where the log goes", async () => {
    await using command = new CommandInMemory(["--port", "0", "-p", hello, "--access-log"]);
    await ask(command);
    await until(() => command.stderr.includes('"msg":"request"'), "the record");
    const line = command.stderr.split("\n").find((one) => one.includes('"msg":"request"')) ?? "";
    expect(JSON.parse(line)).toMatchObject({
      level: 30,
      name: "servehttp",
      "url.path": "/plugins/hello/x",
      "http.response.status_code": 200,
      "servehttp.plugin.id": "hello",
      "servehttp.outcome": "ok",
    });
  });

  it("writes lines for people where the log is for people", async () => {
    const flags = ["--port", "0", "-p", hello, "--access-log", "--log", "pretty"];
    await using command = new CommandInMemory(flags);
    await ask(command);
    const line = /^\d\d:\d\d:\d\d GET \/plugins\/hello\/x\?a=1 200 \d+ ms \d+ B$/m;
    await until(() => line.test(command.stderr), "the line");
    expect(command.stderr).not.toContain('"msg":"request"');
  });

  it("writes the combined format to standard output", async () => {
    await using command = new CommandInMemory(["--port=0", "-p", hello, "--access-log=combined"]);
    await ask(command);
    const [line] = await command.said(/^127\.0\.0\.1 - - .*$/m);
    expect(line).toMatch(/"GET \/plugins\/hello\/x\?a=1 HTTP\/1\.1" 200 \d+ "-" "me"$/);
  });

  it("takes what the config says, and files relative to it", async () => {
    await using directory = await TemporaryDirectory.make();
    const accessLog = { format: "combined", to: "access.log" };
    const config = JSON.stringify({ plugins: { hello: pluginPath("hello") }, accessLog });
    await writeFile(directory.at("servehttp.config.json"), config);
    await using command = new CommandInMemory(["--port", "0"], { cwd: directory.path });
    await ask(command);
    const written = () => readFileSync(directory.at("access.log"), "utf8");
    await until(() => written() !== "", "the line");
    expect(written()).toContain("GET /plugins/hello/x?a=1");
    expect(command.stdout).not.toContain("GET");
  });

  it("says what is wrong with it", async () => {
    await using directory = await TemporaryDirectory.make();
    const config = JSON.stringify({ accessLog: { to: "none/access.log" } });
    await writeFile(directory.at("servehttp.config.json"), config);
    const result = await runCommand(["--port", "0"], { cwd: directory.path });
    expect(result).toMatchObject({ exitCode: 2 });
    expect(result.stderr).toContain(
      `accessLog.to: ${JSON.stringify(directory.at("none/access.log"))} can't be opened to append to it`,
    );
  });
});
