import { existsSync, readFileSync } from "node:fs";
import { type Logger, pino } from "pino";
import { describe, expect, it, vi } from "vitest";
import { exitText, PluginProcess } from "./plugin-process.js";

interface Started {
  readonly plugin: PluginProcess;
  /** What was logged of its output. */
  readonly lines: string[];
  /** Resolves when a line has been logged. */
  readonly line: (text: string | RegExp) => Promise<string>;
}

function start(
  command: readonly string[],
  options: { cwd?: string; env?: Record<string, string> } = {},
): Started {
  const lines: string[] = [];
  const write = (record: string) => void lines.push((JSON.parse(record) as { msg: string }).msg);
  const logger: Logger = pino({}, { write });
  const plugin = new PluginProcess({
    pluginId: "notes",
    basePath: "/plugins/notes",
    command,
    cwd: options.cwd,
    env: options.env ?? {},
    address: "unix:/run/x.sock",
    token: "the-token",
    logger,
  });
  const line = (text: string | RegExp) =>
    vi.waitFor(() => {
      const found = lines.find((one) => (typeof text === "string" ? one === text : text.test(one)));
      if (found === undefined) {
        throw new Error(`${text} is not among ${lines.join(" | ")}`);
      }
      return found;
    }, 10_000);
  return { plugin, lines, line };
}

const shell = (script: string, options = {}) => start(["/bin/sh", "-c", script], options);

/** Whether a process runs; a zombie doesn't. */
function runs(pid: number): boolean {
  const path = `/proc/${pid}/stat`;
  return existsSync(path) && !/^\d+ \(.*\) Z/s.test(readFileSync(path, "latin1"));
}

function gone(pid: number): Promise<void> {
  return vi.waitFor(() => expect(runs(pid)).toBe(false), 5_000);
}

describe("PluginProcess", () => {
  it("tells the plugin its address, id, token and the host's pipe, but never in argv (O8)", async () => {
    const { plugin, lines, line } = shell(
      "env; readlink /proc/self/fd/3; echo ready; read wait <&3",
      {
        env: { OWN: "1" },
        cwd: "/",
      },
    );
    await line("ready");
    const argv = readFileSync(`/proc/${plugin.pid}/cmdline`, "latin1");
    await plugin.stop(0);
    expect(argv).not.toContain("the-token");
    expect(lines).toEqual(
      expect.arrayContaining([
        "OWN=1",
        "SERVEHTTP_ADDRESS=unix:/run/x.sock",
        "SERVEHTTP_PLUGIN_ID=notes",
        "SERVEHTTP_TOKEN=the-token",
        "SERVEHTTP_HOST_FD=3",
        expect.stringMatching(/^socket:/),
      ]),
    );
    expect(lines.filter((one) => one.startsWith("VITEST"))).toEqual([]);
  });

  it("logs what it prints, also the last line without an end, and keeps the tail of stderr", async () => {
    const { plugin, lines } = shell("echo out; printf 'one\\ntwo' >&2; exit 3");
    expect(await plugin.exited).toEqual({ kind: "code", code: 3 });
    expect(lines.toSorted()).toEqual(["one", "out", "two"]);
    expect(plugin.stderrTail()).toEqual(["one", "two"]);
  });

  it("ends by SIGTERM, with what the plugin makes of it", async () => {
    const { plugin, line } = shell("trap 'exit 7' TERM; echo ready; while :; do sleep 0.01; done");
    await line("ready");
    expect(await plugin.stop(10_000)).toEqual({ kind: "code", code: 7 });
  });

  it("is killed when the grace has run out", async () => {
    const { plugin, line } = shell("trap '' TERM; echo ready; while :; do sleep 0.01; done");
    await line("ready");
    expect(await plugin.stop(20)).toEqual({ kind: "signal", signal: "SIGKILL" });
    expect(exitText(await plugin.exited)).toBe("was ended by SIGKILL");
    expect(plugin.wasAsked).toBe(true);
  });

  it("was not asked to end where somebody else has killed it just before", async () => {
    const { plugin, line } = shell("echo ready; exec sleep 1000");
    await line("ready");
    process.kill(plugin.pid as number, "SIGKILL");
    expect(await plugin.stop(10_000)).toEqual({ kind: "signal", signal: "SIGKILL" });
    expect(plugin.wasAsked).toBe(false);
  });

  it("is killed also while it is stopped", async () => {
    const { plugin, line } = shell("echo ready; kill -STOP $$; sleep 1000");
    await line("ready");
    expect(await plugin.stop(20)).toMatchObject({ kind: "signal" });
  });

  it("takes what it started with it, whether it is stopped or exits", async () => {
    const stopped = shell("sleep 1000 & echo pid $!; wait");
    const stoppedChild = Number((await stopped.line(/^pid /)).slice(4));
    await stopped.plugin.stop(10_000);
    await gone(stoppedChild);

    const exiting = shell("(trap '' TERM; sleep 1000) & echo pid $!; exit 1");
    expect(await exiting.plugin.exited).toEqual({ kind: "code", code: 1 });
    await gone(Number((await exiting.line(/^pid /)).slice(4)));
  });

  it("is over also when a process outside its group holds its output", async () => {
    const { plugin, line } = shell(
      "setsid sh -c 'echo pid $$; exec sleep 1000' & sleep 0.1; exit 0",
    );
    expect(await plugin.exited).toEqual({ kind: "code", code: 0 });
    process.kill(Number((await line(/^pid /)).slice(4)), "SIGKILL");
  });

  it("reads whatever it prints, so that it never waits for the host (U8)", async () => {
    const { plugin, lines } = shell(
      "head -c 67108864 /dev/zero; head -c 33554432 /dev/zero >&2; exit 9",
    );
    expect(await plugin.exited).toEqual({ kind: "code", code: 9 });
    expect(lines).toHaveLength(2);
    expect(Math.max(...lines.map((one) => one.length))).toBeLessThanOrEqual(4 * 8_192);
    expect(plugin.stderrTail().join("").length).toBeLessThanOrEqual(4 * 2_048);
  });

  it.each([
    [["/no/such/program"], {}, 'can\'t run "/no/such/program": there is no such program'],
    [["no-such-program-anywhere"], {}, "there is no such program"],
    [["/etc/passwd"], {}, 'can\'t run "/etc/passwd": it may not be executed'],
    [["sleep", "1"], { cwd: "/no/such" }, 'can\'t run: the directory "/no/such" does not exist'],
    // The system refuses these two at once, where Node throws.
    [["sleep", "1"], { cwd: "/etc/passwd" }, 'can\'t run "sleep"'],
    [["sleep", "1"], { env: { A: "x".repeat(10_000_000) } }, 'can\'t run "sleep"'],
  ] as const)("says why %j can't be run (O7)", async (command, options, text) => {
    const { plugin } = start(command, options);
    const exit = await plugin.exited;
    expect(exit.kind).toBe("not-started");
    expect(exitText(exit)).toContain(text);
    expect(plugin.pid).toBeUndefined();
    expect(await plugin.stop(1_000)).toBe(exit);
  });
});
