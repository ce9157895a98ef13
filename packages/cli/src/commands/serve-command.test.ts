import { writeFile } from "node:fs/promises";
import { TemporaryDirectory } from "@servehttp/testkit";
import { describe, expect, it } from "vitest";
import { CommandInMemory } from "../test-rig/command-in-memory.js";
import { pluginPath } from "../test-rig/plugin-path.js";

describe("servehttp", () => {
  it("serves plugins of the command line until a signal", async () => {
    await using command = new CommandInMemory([
      "--port",
      "0",
      "--plugin",
      `hello=${pluginPath("hello")}`,
      "--prefix=/p",
    ]);
    const [, address] = await command.said(/^hello {2}READY {3}(\S+)$/m);
    expect(address).toBe(`${await command.url()}/p/hello/`);
    const response = await fetch(`${address}x`);
    expect(await response.text()).toBe("hello from /p/hello, you asked for /x");
    command.signal("SIGTERM");
    expect(await command.ended).toMatchObject({ exitCode: 0 });
    await expect(fetch(`${address}x`)).rejects.toThrow("fetch failed");
  });

  it("serves what a config says", async () => {
    await using directory = await TemporaryDirectory.make();
    const config = {
      plugins: { hello: "${HELLO}" },
      listen: ["127.0.0.1:0", "unix:./s"],
      publicPath: "/app",
    };
    await writeFile(directory.at("servehttp.config.json"), JSON.stringify(config));
    const environment = { ...process.env, HELLO: pluginPath("hello") };
    await using command = new CommandInMemory([], { cwd: directory.path, environment });
    const [, address] = await command.said(/^hello {2}READY {3}(\S+)$/m);
    expect(command.stdout).toContain(`listening on unix:${directory.at("s")}\n`);
    expect(await (await fetch(`${address}x`)).text()).toContain("hello from /app/plugins/hello");
  });
});
