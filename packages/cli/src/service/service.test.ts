import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { TemporaryDirectory, until } from "@servehttp/testkit";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { CommandInMemory, runCommand } from "../test-rig/command-in-memory.js";
import { pluginPath } from "../test-rig/plugin-path.js";

let directory: TemporaryDirectory;
let environment: Record<string, string | undefined>;
beforeEach(async () => {
  directory = await TemporaryDirectory.make();
  environment = { ...process.env, RUNTIME_DIRECTORY: undefined, XDG_RUNTIME_DIR: directory.path };
});
afterEach(() => directory[Symbol.asyncDispose]());

const hello = `hello=${pluginPath("hello")}`;

function start(...commandLine: readonly string[]): CommandInMemory {
  const all = ["--port", "0", "--log", "json", "--plugin", hello, ...commandLine];
  return new CommandInMemory(all, { cwd: directory.path, environment });
}

describe("--pid-file", () => {
  it("is there while the host runs, and is left alone when it is another's by then", async () => {
    const path = directory.at("host.pid");
    const command = start("--pid-file", "host.pid");
    await until(() => existsSync(path), "the file");
    expect(readFileSync(path, "utf8")).toBe(`${process.pid}\n`);
    command.signal("SIGTERM");
    expect(await command.ended).toMatchObject({ exitCode: 0 });
    expect(existsSync(path)).toBe(false);
    const other = start("--pid-file", "host.pid");
    await until(() => existsSync(path), "the file");
    writeFileSync(path, "1\n");
    other.signal("SIGTERM");
    await other.ended;
    expect(readFileSync(path, "utf8")).toBe("1\n");
  });

  it("ends the command with exit code 1 where it can't be written", async () => {
    const flags = ["--port", "0", "--plugin", hello, "--pid-file", "none/host.pid"];
    const result = await runCommand(flags, { cwd: directory.path, environment });
    expect(result.exitCode).toBe(1);
    expect(result.stderr).toMatch(/^servehttp: pid file \S+\/none\/host\.pid: ENOENT/m);
  });
});

/** What systemd would get: each datagram as one line. */
const receiver = `
import socket, sys
receiving = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
receiving.bind(sys.argv[1])
print("ready", flush=True)
while True:
    print(repr(receiving.recv(4096).decode()), flush=True)
`;

describe("systemd", () => {
  it("learns when the service is ready, alive, reloads and stops", async () => {
    const python = spawn("python3", ["-c", receiver, directory.at("notify")], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    let told = "";
    python.stdout.on("data", (chunk: Buffer) => (told += chunk.toString()));
    await until(() => told.includes("ready\n"), "the receiver");
    environment["NOTIFY_SOCKET"] = directory.at("notify");
    environment["WATCHDOG_USEC"] = "200000";
    const command = start();
    await until(() => told.includes(`READY=1\\nMAINPID=${process.pid}'`), "READY");
    await until(() => told.split("WATCHDOG=1").length > 2, "signs of life");
    command.signal("SIGHUP");
    await until(() => /RELOADING=1\\nMONOTONIC_USEC=\d+'[^]*'READY=1'/.test(told), "a reload");
    command.signal("SIGTERM");
    expect(await command.ended).toMatchObject({ exitCode: 0 });
    await until(() => told.includes("STOPPING=1"), "STOPPING");
    const gone = once(python, "exit");
    python.kill();
    await gone;
  });

  it("is told once in the log why nothing reaches it", async () => {
    environment["NOTIFY_SOCKET"] = directory.at("nobody");
    environment["WATCHDOG_USEC"] = "20000";
    await using command = start();
    await until(() => command.stderr.includes("systemd learns nothing"), "the reason");
    command.signal("SIGTERM");
    const { stderr } = await command.ended;
    expect(stderr.split("systemd learns nothing of this service")).toHaveLength(2);
  });
});

/** As systemd passes sockets: they listen on 3 and 4, and the process is the one that LISTEN_PID names. */
const activator = `
import fcntl, os, socket, sys
sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
above = [fcntl.fcntl(one.fileno(), fcntl.F_DUPFD, 20) for one in sockets]
for at, fd in enumerate(above):
    os.dup2(fd, 3 + at, inheritable=True)
    os.close(fd)
os.environ["LISTEN_FDS"] = "2"
os.environ["LISTEN_PID"] = str(os.getpid())
os.execvp(sys.argv[1], sys.argv[1:])
`;

describe("socket activation", () => {
  it("takes the sockets that systemd passes", async () => {
    const bin = fileURLToPath(new URL("../../dist/bin.js", import.meta.url));
    const command = [process.execPath, bin, "--log", "json", "--plugin", hello];
    const child = spawn("python3", ["-c", activator, ...command], {
      cwd: directory.path,
      env: environment,
      stdio: ["ignore", "pipe", "ignore"],
    });
    const ended = once(child, "exit");
    let told = "";
    child.stdout.on("data", (chunk: Buffer) => (told += chunk.toString()));
    await until(() => told.includes("READY"), "the host");
    const urls = Array.from(told.matchAll(/^listening on (\S+)$/gm), ([, url]) => url);
    expect(urls).toHaveLength(2);
    for (const url of urls) {
      const response = await fetch(`${url}/plugins/hello/`);
      expect(await response.text()).toContain("hello from /plugins/hello");
    }
    child.kill("SIGTERM");
    expect(await ended).toEqual([0, null]);
    await Promise.all(urls.map((url) => expect(fetch(`${url}/`)).rejects.toThrow("fetch failed")));
  });
});
