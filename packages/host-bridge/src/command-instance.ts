import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { ServeHTTPError } from "@servehttp/contract";
import type { Logger } from "pino";
import type { InstanceState, PluginInstance } from "./plugin-instance.js";
import { PluginLink } from "./plugin-link.js";
import type { CommandSettings } from "./read-options.js";

/** A plugin process that the host starts. Stand-in until the supervisor is there. */
export class CommandInstance implements PluginInstance {
  state: InstanceState = "stopped";
  sinceUnixMs = Date.now();
  restarts = 0;
  link: PluginLink | undefined;
  failure: ServeHTTPError | undefined;
  #child: ChildProcess | undefined;
  readonly #directory = mkdtempSync(join(tmpdir(), "servehttp-"));

  constructor(
    readonly settings: CommandSettings,
    readonly logger: Logger,
    readonly onChange: () => void,
  ) {}

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  async start(): Promise<void> {
    this.#enter("starting");
    const token = randomBytes(32).toString("base64url");
    const path = join(this.#directory, "plugin.sock");
    const [program, ...args] = this.settings.command;
    this.#child = spawn(program as string, args, {
      cwd: this.settings.cwd,
      env: {
        PATH: process.env["PATH"],
        HOME: process.env["HOME"],
        ...this.settings.env,
        SERVEHTTP_ADDRESS: `unix:${path}`,
        SERVEHTTP_TOKEN: token,
        SERVEHTTP_PLUGIN_ID: this.settings.id,
      },
      stdio: ["ignore", "inherit", "inherit"],
    });
    const child = this.#child;
    const atExit = () => child.kill("SIGKILL");
    process.once("exit", atExit);
    child.once("exit", () => process.off("exit", atExit));
    const signal = AbortSignal.timeout(this.settings.timeouts.startMs);
    for (;;) {
      try {
        const address = { kind: "unix", path } as const;
        const { carrier, id: pluginId } = this.settings;
        this.link = await PluginLink.connect({ pluginId, address, token, carrier }, signal);
        break;
      } catch (error) {
        const failure = ServeHTTPError.from(error);
        if (failure.code !== "connection-failed" || signal.aborted || child.exitCode !== null) {
          this.failure = failure;
          this.#enter("given-up");
          throw failure;
        }
        await delay(20);
      }
    }
    void this.link.lost.then(() => this.#enter("given-up"));
    this.#enter("ready");
  }

  drain(): void {
    this.#enter("draining");
  }

  async stop(): Promise<void> {
    this.#enter("stopped");
    this.link?.close("now");
    const child = this.#child;
    if (child !== undefined && child.exitCode === null && child.signalCode === null) {
      const { promise, resolve } = Promise.withResolvers<void>();
      child.once("exit", () => resolve());
      child.kill("SIGTERM");
      const timer = setTimeout(() => child.kill("SIGKILL"), 2000);
      await promise;
      clearTimeout(timer);
    }
    rmSync(this.#directory, { recursive: true, force: true });
  }

  #enter(state: InstanceState): void {
    if (this.state !== "stopped" || state === "starting") {
      this.state = state;
      this.sinceUnixMs = Date.now();
      this.onChange();
    }
  }
}
