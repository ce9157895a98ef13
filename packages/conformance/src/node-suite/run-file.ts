import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { createInterface } from "node:readline";
import type { Duplex } from "node:stream";
import { fileURLToPath } from "node:url";
import { TemporaryDirectory } from "@servehttp/testkit";
import { directoryVariable, type Way, wayVariable } from "./messages.js";
import { TestServers } from "./test-servers.js";

/** How a file is run. */
export interface RunOptions {
  readonly way: Way;
  readonly carrier: "mux" | "stream";
  /** Then it is killed, and has failed. */
  readonly timeoutMs: number;
}

/** What became of a file. */
export interface FileResult {
  readonly outcome: "passed" | "skipped" | "failed";
  /** How many servers were put behind something. */
  readonly servers: number;
  /** What it printed, the last of it. */
  readonly output: string;
}

/** Runs a file of Node's test suite in a process of its own, as Node's own runner does. */
export async function runFile(path: string, options: RunOptions): Promise<FileResult> {
  await using directory = await TemporaryDirectory.make();
  const { way, carrier, timeoutMs } = options;
  const child = spawn(process.execPath, [...flagsOf(path), "--require", preloadPath, path], {
    stdio: ["ignore", "pipe", "pipe", "pipe", "pipe"],
    // Tests that time out may have started processes, which end with its group.
    detached: true,
    env: {
      PATH: process.env["PATH"],
      HOME: directory.path,
      TMPDIR: directory.path,
      NODE_TEST_DIR: directory.path,
      TEST_PARALLEL: "1",
      TEST_THREAD_ID: basename(directory.path),
      [wayVariable]: way,
      [directoryVariable]: directory.path,
    },
  });
  const [ask, tell] = [child.stdio[3], child.stdio[4]] as [Duplex, Duplex];
  await using servers = new TestServers(way, carrier, ask, tell);
  return { ...(await endOf(child, timeoutMs)), servers: servers.count };
}

const preloadPath = fileURLToPath(new URL("../../dist/node-suite/preload.js", import.meta.url));

/** A test names the options of Node that it needs in a comment. */
function flagsOf(path: string): string[] {
  const text = readFileSync(path, "utf8");
  return /^\/\/ Flags: (.*)$/m.exec(text)?.[1]?.trim().split(/\s+/) ?? [];
}

async function endOf(child: ChildProcess, timeoutMs: number): Promise<Omit<FileResult, "servers">> {
  const lines: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    if (stream !== null) {
      createInterface({ input: stream }).on("line", (line) => lines.push(line));
    }
  }
  const timer = setTimeout(() => {
    lines.push(`did not end within ${timeoutMs} ms`);
    killGroup(child);
  }, timeoutMs);
  const code = await new Promise<number | null>((resolve) => {
    child.once("exit", resolve);
  });
  clearTimeout(timer);
  killGroup(child);
  const output = lines.slice(-40).join("\n");
  const isSkipped = lines.some((line) => line.startsWith("1..0 # Skipped"));
  return { outcome: code !== 0 ? "failed" : isSkipped ? "skipped" : "passed", output };
}

function killGroup({ pid }: ChildProcess): void {
  try {
    if (pid !== undefined) {
      process.kill(-pid, "SIGKILL");
    }
  } catch {
    // Nobody is left in it.
  }
}
