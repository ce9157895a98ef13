import type { PluginHost, PluginStatus } from "@servehttp/host-bridge";
import { pino } from "pino";
import { beforeEach, describe, expect, it } from "vitest";
import { LogTail } from "../output/log-tail.js";
import { LiveTerminal } from "./live-terminal.js";

const status = (id: string, more: Partial<PluginStatus> = {}): PluginStatus => ({
  id,
  state: "ready",
  pid: process.pid,
  since: new Date(0),
  restarts: 0,
  inFlight: 0,
  tunnels: 0,
  waiting: 0,
  outcomes: {},
  headTimes: { boundsMs: [1, 12.3, 2_000], counts: [0, 0, 0, 0] },
  carrier: "mux",
  failures: [],
  instances: [],
  ...more,
});

describe("the table in the terminal", () => {
  let plugins: PluginStatus[];
  let done: string[];
  let lines: readonly string[];
  let logTail: LogTail;
  let terminal: LiveTerminal;

  beforeEach(() => {
    plugins = [status("notes", { inFlight: 3, restarts: 2 }), status("api", { state: "stopped" })];
    done = [];
    logTail = new LogTail();
    const host = {
      get plugins() {
        return plugins;
      },
      reload: async (id: string) => void done.push(`reload ${id}`),
      start: async (id?: string) => void done.push(`start ${id}`),
      stop: async (options?: { readonly plugin?: string }) =>
        void done.push(`stop ${options?.plugin}`),
    } as Partial<PluginHost> as PluginHost;
    const output = { write: () => undefined };
    const context = {
      cwd: "/",
      environment: {},
      stdout: output,
      stderr: output,
      onSignal: () => () => undefined,
    };
    terminal = new LiveTerminal(
      {
        host,
        context,
        logTail,
        logger: pino({ enabled: false }),
        stop: () => void done.push("quit"),
      },
      (shown) => void (lines = shown),
    );
    terminal.draw();
  });

  it("shows what each plugin does, and marks one", () => {
    expect(lines[0]).toMatch(
      /^ {2}plugin +state +pid +requests\/s +in flight +restarts +p50 +p99 +memory$/,
    );
    expect(lines[1]).toMatch(
      new RegExp(`^> notes +ready +${process.pid} +- +3 +2 +- +- +(?:\\d+ MiB|-)$`),
    );
    expect(lines[2]).toMatch(/^ {2}api +stopped/);
  });

  it("shows how long requests wait for a head", () => {
    const headTimes = { boundsMs: [1, 12.3, 2_000], counts: [0, 90, 10, 0] };
    plugins = [status("notes", { headTimes })];
    terminal.draw();
    expect(lines[1]).toMatch(/ 0 +12 ms +2 s +(?:\d+ MiB|-)$/);
  });

  it("reloads, stops and starts the one that is marked", () => {
    for (const key of ["r", "s", "\u001B[B", "s", "\u001B[B", "r", "\u001B[A", "r"]) {
      terminal.press(key);
    }
    expect(done).toEqual(["reload notes", "stop notes", "start api", "reload api", "reload notes"]);
  });

  it("shows the log of the marked one alone, and all logs again", () => {
    const isShown = (plugin: string) => logTail.add(JSON.stringify({ plugin, msg: "a" }));
    terminal.press("l");
    expect([isShown("notes"), isShown("api")]).toEqual([true, false]);
    terminal.press("l");
    expect([isShown("notes"), isShown("api")]).toEqual([true, true]);
  });

  it.each(["q", "\u0003"])("drains the host at %j", (key) => {
    terminal.press(key);
    expect(done).toEqual(["quit"]);
  });
});
