import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { TemporaryDirectory, until } from "@servehttp/testkit";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { runCommand } from "../test-rig/command-in-memory.js";
import { CommandProcess } from "../test-rig/command-process.js";
import { type CommandsTogether, commandsIn, hostStatus } from "../test-rig/commands-together.js";
import { pluginPath } from "../test-rig/plugin-path.js";

let directory: TemporaryDirectory;
let options: CommandsTogether;
beforeEach(async () => {
  directory = await TemporaryDirectory.make();
  options = commandsIn(directory);
});
afterEach(() => directory[Symbol.asyncDispose]());

const status = () => hostStatus(options);

async function overSocket(socket: string, path: string): Promise<number | undefined> {
  return await new Promise((resolve, reject) => {
    request({ socketPath: directory.at(socket), path }, (response) => {
      response.resume();
      resolve(response.statusCode);
    })
      .once("error", reject)
      .end();
  });
}

// Four processes start in it, one after the other.
describe("servehttp upgrade", { timeout: 120_000 }, () => {
  it("puts a new process on the same sockets without failing a request", async () => {
    const config = {
      plugins: { hello: pluginPath("hello") },
      listen: ["127.0.0.1:0", "unix:web.sock"],
      admin: "unix:admin.sock",
      pidFile: "host.pid",
    };
    writeFileSync(directory.at("servehttp.config.json"), JSON.stringify(config));
    await using old = new CommandProcess([], options);
    const [, url = ""] = await old.said(/^hello {2}READY {3}(\S+)$/m);
    await expect.poll(status).toMatchObject({ pid: old.child.pid });
    let done = false;
    let answered = 0;
    const load = async () => {
      while (!done) {
        const response = await fetch(url);
        expect(await response.text()).toContain("hello from /plugins/hello");
        expect(response.status).toBe(200);
        answered += 1;
      }
    };
    const loads = load();
    const upgraded = new CommandProcess(["upgrade"], options);
    expect(await upgraded.ended).toBe(0);
    const [, pid] = await upgraded.said(/^process (\d+) has taken over$/m);
    expect(await old.ended).toBe(0);
    const before = answered;
    await until(() => answered > before + 10, "requests of the new process");
    done = true;
    await loads;
    expect((await status()).pid).toBe(Number(pid));
    expect(readFileSync(directory.at("host.pid"), "utf8")).toBe(`${pid}\n`);
    expect(await overSocket("web.sock", "/plugins/hello/")).toBe(200);
    expect(await overSocket("admin.sock", "/api/plugins")).toBe(200);
    await runCommand(["stop"], options);
    await until(() => !existsSync(directory.at("host.pid")), "the end of the new process");
    await until(() => !isThere(Number(pid)), "its end");
    expect(["web.sock", "admin.sock"].some((name) => existsSync(directory.at(name)))).toBe(false);
  });

  it("lets the old process go on where the new one does not start", async () => {
    const write = (plugins: object) =>
      writeFileSync(
        directory.at("servehttp.config.json"),
        JSON.stringify({ plugins, listen: "127.0.0.1:0" }),
      );
    write({ hello: pluginPath("hello") });
    await using old = new CommandProcess([], options);
    const [, url = ""] = await old.said(/^hello {2}READY {3}(\S+)$/m);
    await expect.poll(status).toMatchObject({ pid: old.child.pid });
    write({ hello: pluginPath("hello"), more: "true" });
    const upgraded = new CommandProcess(["upgrade"], options);
    expect(await upgraded.ended).toBe(1);
    expect(upgraded.stderr).toBe(
      "servehttp: the new host has not taken over, this one goes on: it ended with exit code 1; its log says more\n",
    );
    expect(old.stderr).toContain("plugin more does not start: it exited with code 0");
    expect((await fetch(url)).status).toBe(200);
    expect((await status()).pid).toBe(old.child.pid);
  });
});

function isThere(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
