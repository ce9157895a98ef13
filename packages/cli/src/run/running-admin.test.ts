import { statSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { once } from "node:events";
import { request } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { TemporaryDirectory } from "@servehttp/testkit";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { CommandInMemory, runCommand } from "../test-rig/command-in-memory.js";
import { type CommandsTogether, commandsIn } from "../test-rig/commands-together.js";
import { pluginPath } from "../test-rig/plugin-path.js";

const hello = ["--plugin", `hello=${pluginPath("hello")}`, "--port", "0"];
const token = "the-token-of-the-tests";

let directory: TemporaryDirectory;
let options: CommandsTogether;
beforeEach(async () => {
  directory = await TemporaryDirectory.make();
  options = commandsIn(directory);
});
afterEach(() => directory[Symbol.asyncDispose]());

const withToken = () => ({
  ...options,
  environment: { ...options.environment, SERVEHTTP_ADMIN_TOKEN: token },
});

async function states(url: string, shown: string): Promise<unknown> {
  const headers = { authorization: `Bearer ${shown}` };
  const response = await fetch(`${url}/api/plugins`, { headers });
  const { plugins } = (await response.json()) as {
    readonly plugins?: readonly { state: string }[];
  };
  return [response.status, plugins?.map(({ state }) => state)];
}

describe("--admin", () => {
  it("listens on an address of its own, and answers whoever has the token", async () => {
    const command = new CommandInMemory([...hello, "--admin", "127.0.0.1:0"], withToken());
    const [, admin = ""] = await command.said(/^admin on (http:\S+)$/m);
    await command.said(/READY/);
    expect(admin).not.toContain("token");
    expect(await states(admin, token)).toEqual([200, ["ready"]]);
    expect(await states(admin, `${token}x`)).toEqual([401, undefined]);
    await expect.poll(async () => (await fetch(`${admin}/readyz`)).status).toBe(200);
    expect((await fetch(`${await command.url()}/readyz`)).status).toBe(404);
    command.signal("SIGTERM");
    expect(await command.ended).toMatchObject({ exitCode: 0 });
    await expect(fetch(`${admin}/healthz`)).rejects.toThrow("fetch failed");
  });

  it("takes no token on a unix socket, which only its owner may connect to", async () => {
    await using command = new CommandInMemory([...hello, "--admin", "unix:admin.sock"], options);
    const socketPath = directory.at("admin.sock");
    await command.said(/^admin on unix:\/\S+admin\.sock$/m);
    await command.said(/READY/);
    expect((statSync(socketPath).mode & 0o777).toString(8)).toBe("600");
    const headers = { host: "localhost" };
    const asked = request({ socketPath, path: "/api/plugins/hello", headers }).end();
    const [response] = (await once(asked, "response")) as [Parameters<typeof text>[0]];
    expect(JSON.parse(await text(response))).toMatchObject({ id: "hello", state: "ready" });
  });

  it("has a token of its own for each run where a person looks", async () => {
    const flags = [...hello, "--admin", "127.0.0.1:0"];
    await using command = new CommandInMemory(flags, { ...options, isTerminal: true });
    const [, url = "", shown = ""] = await command.said(/^admin on (http:\S+)\/#token=(\S{43})$/m);
    expect(await states(url, shown)).toEqual([200, [expect.any(String)]]);
  });

  it("says in one line who has its port, and starts nothing", async () => {
    const taken = createServer().listen(0, "127.0.0.1");
    await once(taken, "listening");
    const { port } = taken.address() as AddressInfo;
    const flags = [...hello, "--admin", `127.0.0.1:${port}`];
    const { exitCode, stderr, stdout } = await runCommand(flags, withToken());
    expect([exitCode, stdout]).toEqual([1, ""]);
    expect(stderr).toMatch(new RegExp(`^servehttp: 127\\.0\\.0\\.1:${port} is in use.*\\n$`));
    taken.close();
  });

  it("changes the log level, and tells what was logged", async () => {
    const flags = [...hello, "--log", "json", "--admin", "127.0.0.1:0"];
    await using command = new CommandInMemory(flags, withToken());
    const [, url = ""] = await command.said(/^admin on (http:\S+)$/m);
    await command.said(/READY/);
    const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
    const body = '{"level":"debug"}';
    const set = await fetch(`${url}/api/log-level`, { method: "PUT", headers, body });
    expect([set.status, await set.json()]).toEqual([200, { level: "debug" }]);
    const logs = await fetch(`${url}/api/plugins/hello/logs?follow=false`, { headers });
    expect(await logs.text()).toContain("plugin is ready");
  });
});

describe("what is said of the admin", () => {
  const config = (admin: unknown, more: object = {}) =>
    writeFileSync(
      directory.at("servehttp.config.json"),
      JSON.stringify({
        plugins: { hello: pluginPath("hello") },
        listen: "127.0.0.1:8081",
        admin,
        ...more,
      }),
    );

  it.each<[string, unknown, string]>([
    ["no address", "here", 'admin: got "here", allowed is "host:port", "unix:/path" or "fd:N"'],
    ["the plugins' port", "127.0.0.1:8081", "admin: the plugins are at 127.0.0.1:8081"],
    ["the plugins' port elsewhere", ":8081", "admin: the plugins are at 127.0.0.1:8081"],
    ["no token", "127.0.0.1:0", "admin: it needs a token: SERVEHTTP_ADMIN_TOKEN, "],
    [
      "a short token",
      { address: "127.0.0.1:0", token: "short" },
      "admin.token: got one of 5 characters, allowed are 16",
    ],
    [
      "no file",
      { address: "127.0.0.1:0", tokenFile: "none" },
      "admin.tokenFile TMP/none: no such file",
    ],
    [
      "an empty file",
      { address: "127.0.0.1:0", tokenFile: "empty" },
      "admin.tokenFile TMP/empty: got one of 0 characters",
    ],
    ["a directory", { address: "127.0.0.1:0", tokenFile: "." }, "admin.tokenFile TMP: a directory"],
    [
      "two tokens",
      { address: "127.0.0.1:0", tokenFile: "empty", token },
      "admin: token and tokenFile are the same twice",
    ],
    [
      "an unknown plugin",
      { address: "unix:a", required: ["other"] },
      "admin.required: there is no plugin other; there are hello",
    ],
    ["an unknown option", { address: "unix:a", tokn: "" }, "admin.tokn: no such option"],
  ])("is refused for %s, before anything starts", async (_what, admin, message) => {
    writeFileSync(directory.at("empty"), "\n");
    config(admin);
    const checked = await runCommand(["check"], options);
    expect([checked.exitCode, checked.stderr.replaceAll(directory.path, "TMP")]).toEqual([
      2,
      expect.stringContaining(message),
    ]);
    expect(await runCommand([], options)).toEqual(checked);
  });

  it("comes from the command line first", async () => {
    config(
      { address: "unix:of-config", token: "the-token-of-the-config" },
      { listen: "127.0.0.1:0" },
    );
    writeFileSync(directory.at("token"), `${token}\n`);
    const flags = ["--admin", "127.0.0.1:0", "--admin-token-file", "token"];
    await using command = new CommandInMemory(flags, options);
    const [, url = ""] = await command.said(/^admin on (http:\S+)$/m);
    await command.said(/READY/);
    expect(await states(url, token)).toEqual([200, ["ready"]]);
    config("unix:other", { listen: "127.0.0.1:0" });
    expect(await runCommand(["reload"], options)).toMatchObject({ exitCode: 0 });
  });

  it("can't change while the host runs", async () => {
    config("unix:admin.sock", { listen: "127.0.0.1:0" });
    await using command = new CommandInMemory([], options);
    await command.said(/READY/);
    config("unix:other.sock", { listen: "127.0.0.1:0" });
    await expect
      .poll(() => runCommand(["reload"], options))
      .toMatchObject({
        stderr: expect.stringMatching(/^servehttp: admin: can't change while the host runs/),
      });
  });

  it("warns where other machines could read the token on its way", async () => {
    const flags = [...hello, "--log", "json", "--admin", ":0"];
    await using command = new CommandInMemory(flags, withToken());
    await command.said(/^admin on http:\/\/localhost:\d+$/m);
    expect(command.stderr).toContain("the admin listens for other machines without TLS");
  });
});
