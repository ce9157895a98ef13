import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { TemporaryDirectory } from "@servehttp/testkit";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { CommandInMemory, runCommand } from "../test-rig/command-in-memory.js";
import { pluginPath } from "../test-rig/plugin-path.js";

const hello = `hello=${pluginPath("hello")}`;

let directory: TemporaryDirectory;
let environment: Record<string, string | undefined>;
beforeEach(async () => {
  directory = await TemporaryDirectory.make();
  environment = { ...process.env, RUNTIME_DIRECTORY: undefined, XDG_RUNTIME_DIR: directory.path };
});
afterEach(() => directory[Symbol.asyncDispose]());

function start(...commandLine: readonly string[]): CommandInMemory {
  const all = ["--port", "0", "--log", "json", ...commandLine];
  return new CommandInMemory(all, { cwd: directory.path, environment });
}

async function ask(...commandLine: readonly string[]) {
  const { exitCode, stdout, stderr } = await runCommand(commandLine, {
    cwd: directory.path,
    environment,
  });
  return `${exitCode} ${stdout}${stderr}`.trim();
}

async function ready(command: CommandInMemory): Promise<void> {
  await command.said(/READY/);
  await expect.poll(() => ask("status")).toMatch(/^0 /);
}

describe("the control socket", () => {
  it("is its owner's alone, and goes with the host", async () => {
    const command = start("--plugin", hello);
    await ready(command);
    const [socket = ""] = readdirSync(directory.at("servehttp"));
    expect(socket).toBe(`${process.pid}.sock`);
    const mode = (path: string) => (statSync(directory.at(path)).mode & 0o777).toString(8);
    expect([mode("servehttp"), mode(`servehttp/${socket}`)]).toEqual(["700", "600"]);
    expect(await ask("stop")).toBe("0 the host drains");
    expect(await command.ended).toMatchObject({ exitCode: 0 });
    expect(readdirSync(directory.at("servehttp"))).toEqual([]);
    expect(await ask("status")).toBe("1 servehttp: no host of yours runs");
  });

  it("tells what the host and its plugins are doing, and acts on one of them", async () => {
    await using command = start("--plugin", hello);
    await ready(command);
    expect(await ask("status")).toMatch(
      /^0 servehttp \d\S*, process \d+, since .*\nconfig: none\nlistening on http:.*\nplugin +state .*\nhello +ready +\d+ +0 +0 +mux$/,
    );
    const status = async () => {
      const { stdout } = await runCommand(["status", "--json"], {
        cwd: directory.path,
        environment,
      });
      return JSON.parse(stdout) as { plugins: { state: string; pid?: number }[] };
    };
    const pid = async () => (await status()).plugins[0]?.pid;
    const pids = [await pid()];
    for (const action of ["reload", "restart"]) {
      expect(await ask(action, "hello")).toBe(`0 hello is ${action}ed`);
      pids.push(await pid());
    }
    expect(new Set(pids).size).toBe(3);
    expect(await ask("stop", "hello")).toBe("0 hello is stopped");
    expect((await status()).plugins[0]).toMatchObject({ state: "stopped" });
    expect(await ask("reload", "hello")).toBe("1 servehttp: plugin hello is stopped");
    expect(await ask("start", "hello")).toBe("0 hello is started");
    expect(await ask("restart", "other")).toBe(
      "2 servehttp: there is no plugin other; there are hello",
    );
    expect(await ask("status", "--pid", "1")).toBe("1 servehttp: no host of yours is process 1");
    expect(await ask("status", "--pid", "x")).toMatch(/^2 .*A pid is a number from 1 on\./);
  });

  it("shows the log of a plugin, and goes on with what comes", async () => {
    await using command = start("--plugin", hello);
    await ready(command);
    expect(await ask("logs", "hello")).toMatch(/^0 .*INFO .*hello plugin is ready/);
    const followed = new CommandInMemory(["logs", "hello", "--follow", "--json"], {
      cwd: directory.path,
      environment,
    });
    await followed.said(/plugin is ready/);
    await ask("reload", "hello");
    await followed.said(/plugin is ready[\s\S]*plugin is ready/);
    command.signal("SIGTERM");
    expect(await followed.ended).toMatchObject({ exitCode: 0 });
  });

  it("is left out, and said so, where others could get at it", async () => {
    mkdirSync(directory.at("servehttp"));
    chmodSync(directory.at("servehttp"), 0o755);
    await using command = start("--plugin", hello);
    await command.said(/READY/);
    await expect.poll(() => command.stderr).toContain("is open to other users: chmod 700");
    expect(existsSync(directory.at(`servehttp/${process.pid}.sock`))).toBe(false);
    expect(await ask("status")).toBe(
      `1 servehttp: ${directory.at("servehttp")} is open to other users: chmod 700`,
    );
  });

  it("trusts no directory that a link leads to", async () => {
    mkdirSync(directory.at("elsewhere"), { mode: 0o700 });
    symlinkSync(directory.at("elsewhere"), directory.at("servehttp"));
    expect(await ask("status")).toBe(`1 servehttp: ${directory.at("servehttp")} is no directory`);
  });
});

describe("a reload of the config", () => {
  const config = (plugins: object, more: object = {}) =>
    writeFileSync(directory.at("servehttp.config.json"), JSON.stringify({ plugins, ...more }));

  it("brings the host to what it says, at SIGHUP and by command", async () => {
    config({ one: pluginPath("hello"), two: pluginPath("hello") });
    await using command = start();
    await ready(command);
    config({ one: pluginPath("hello"), three: pluginPath("hello") });
    command.signal("SIGHUP");
    await expect.poll(() => command.stderr).toContain('"msg":"config reloaded"');
    const url = await command.url();
    const status = async (id: string) => (await fetch(`${url}/plugins/${id}/`)).status;
    expect([await status("one"), await status("two"), await status("three")]).toEqual([
      200, 404, 200,
    ]);
    expect(await ask("reload")).toBe("0 nothing has changed");
    config({ one: pluginPath("hello") });
    expect(await ask("reload")).toBe("0 removed: three");
  });

  it.each<[string, object, string]>([
    [
      "an option that is none",
      { prefiks: "/" },
      "2 servehttp: servehttp.config.json: prefiks: no such option (did you mean prefix?)",
    ],
    [
      "a value that is not allowed",
      { timeouts: { startMs: 0 } },
      "2 servehttp: servehttp.config.json: timeouts.startMs: got 0",
    ],
    [
      "what can't change",
      { prefix: "/p" },
      "2 servehttp: servehttp.config.json: prefix: can't change while the host runs: servehttp upgrade takes another one",
    ],
    [
      "where it listens",
      { tls: { cert: "none.pem", key: "none.pem" } },
      "2 servehttp: tls.cert none.pem: no such file",
    ],
    [
      "how it logs",
      { logLevel: "debug" },
      "1 servehttp: log: can't change while the host runs: servehttp upgrade takes another one",
    ],
    [
      "a plugin that does not start",
      { plugins: { one: pluginPath("hello"), two: "sleep-not-there" } },
      "2 servehttp: servehttp.config.json: plugin two: ",
    ],
    [
      "a plugin that ends",
      { plugins: { one: "true" } },
      "1 servehttp: nothing was changed: plugin one: it exited with code 0 before it was ready",
    ],
  ])("changes nothing for %s, and says so", async (_what, more, message) => {
    config({ one: pluginPath("hello") });
    await using command = start();
    await ready(command);
    config({ one: pluginPath("hello") }, more);
    const before = await ask("status");
    expect(await ask("reload")).toContain(message);
    expect(command.stderr).toContain("config not reloaded, nothing was changed: ");
    // The same process; that another one failed beside it is told.
    expect((await ask("status")).startsWith(before)).toBe(true);
  });
});
