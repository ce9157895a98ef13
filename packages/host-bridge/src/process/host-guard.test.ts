import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { pino } from "pino";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { HostGuard } from "./host-guard.js";

let parent = "";
let host: ChildProcess | undefined;
let pids: readonly number[] = [];

beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), "hg-"));
});
afterEach(async () => {
  host?.kill("SIGKILL");
  host = undefined;
  for (const pid of pids.filter(runs)) {
    process.kill(pid, "SIGKILL");
  }
  pids = [];
  await rm(parent, { recursive: true });
});

/**
 * A host of its own process: it starts the given shell scripts as plugins and prints what runs.
 * Node takes the types out of our sources; only their names need a hand.
 */
const hostScript = `
import { registerHooks } from "node:module";
registerHooks({
  resolve(specifier, context, next) {
    const ours = specifier.startsWith(".") && context.parentURL?.endsWith(".ts");
    return next(ours ? specifier.replace(/\\.js$/, ".ts") : specifier, context);
  },
});
const { SocketDirectory } = await import(process.argv[1] + "/socket-directory.ts");
const { HostGuard } = await import(process.argv[1] + "/host-guard.ts");
const { PluginProcess } = await import(process.argv[1] + "/plugin-process.ts");
const directory = await SocketDirectory.create(process.argv[2]);
const printed = [];
const write = (record) => {
  printed.push(Number(JSON.parse(record).msg));
  if (printed.length === process.argv.length - 3) {
    console.log(JSON.stringify([guard.pid, ...plugins.map(({ pid }) => pid), ...printed]));
  }
};
const logger = { child: () => logger, info: (_, msg) => write(JSON.stringify({ msg })) };
const guard = new HostGuard(directory.path, logger);
const plugins = process.argv.slice(3).map((script) => new PluginProcess({
  pluginId: "p", basePath: "/p", command: ["/bin/sh", "-c", script], env: {}, address: "unix:" + directory.nextPath(), token: "t", logger,
}));
for (const { pid } of plugins) {
  guard.watch(pid);
}
`;

/** Resolves with the ids of the guard, of the plugins and of what they started. */
function startHost(scripts: readonly string[]): Promise<readonly number[]> {
  const directory = import.meta.dirname;
  const started = spawn(
    process.execPath,
    ["--no-warnings", "--input-type=module", "-e", hostScript, directory, parent, ...scripts],
    { stdio: ["ignore", "pipe", "inherit"] },
  );
  host = started;
  return new Promise((resolve, reject) => {
    createInterface(started.stdout).once("line", (line) => resolve(JSON.parse(line) as number[]));
    started.once("exit", (code) => reject(new Error(`the host exited with ${code}`)));
  });
}

function runs(pid: number): boolean {
  const path = `/proc/${pid}/stat`;
  return existsSync(path) && !/^\d+ \(.*\) Z/s.test(readFileSync(path, "latin1"));
}

const stubborn =
  "trap '' TERM INT HUP; sh -c 'trap \"\" TERM; sleep 1000' & echo $!; wait; sleep 1000";
const plain = "sleep 1000 & echo $!; wait";

describe("HostGuard (O5, L6)", () => {
  it.each(["SIGKILL", "SIGTERM", "SIGINT", "SIGSEGV"] as const)(
    "ends every plugin and what it started when the host dies by %s, and removes the sockets",
    async (signal) => {
      pids = await startHost([stubborn, plain, stubborn]);
      expect(pids.map(runs)).toEqual(pids.map(() => true));
      expect(await readdir(parent)).toHaveLength(1);
      host?.kill(signal);
      await vi.waitFor(() => expect(pids.filter(runs)).toEqual([]), 10_000);
      await vi.waitFor(async () => expect(await readdir(parent)).toEqual([]), 10_000);
    },
  );

  it("ends nothing when it is let go, and nothing that it was told to forget", async () => {
    const logger = pino({ enabled: false });
    const guard = new HostGuard(join(parent, "none"), logger);
    const sleeper = spawn("sleep", ["1000"], { detached: true, stdio: "ignore" });
    const group = sleeper.pid ?? 0;
    guard.watch(group);
    const shell = guard.pid ?? 0;
    expect(runs(shell)).toBe(true);
    guard.watch(999_999_999);
    guard.forget(999_999_999);
    await guard.stop();
    await guard.stop();
    expect(runs(shell)).toBe(false);
    expect(runs(group)).toBe(true);
    const exited = new Promise((resolve) => sleeper.once("exit", resolve));
    sleeper.kill("SIGKILL");
    await exited;
  });

  it("is started again for the next plugin when somebody ended it", async () => {
    const warned: string[] = [];
    const logger = pino({}, { write: (line: string) => void warned.push(line) });
    const guard = new HostGuard(join(parent, "none"), logger);
    guard.watch(999_999_998);
    const first = guard.pid ?? 0;
    process.kill(first, "SIGKILL");
    await vi.waitFor(() => expect(warned).toHaveLength(1), 5_000);
    guard.watch(999_999_999);
    expect(guard.pid).not.toBe(first);
    expect(runs(guard.pid ?? 0)).toBe(true);
    await guard.stop();
  });
});
