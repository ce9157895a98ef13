import { FiguresOfPlugins } from "@servehttp/admin/command";
import type { PluginStatus } from "@servehttp/host-bridge";
import { painted } from "../output/painted.js";
import type { Companion, RunningHost } from "../run/running-host.js";
import { tableMs } from "../limits.js";
import { pluginTable } from "./plugin-table.js";

/**
 * A table of the plugins at the bottom of the terminal, with keys for the marked one. Where nobody
 * looks, there is none.
 */
export const liveTerminal: Companion = async (running) => {
  const { footer, keys } = running.context;
  if (footer === undefined || keys === undefined) {
    return () => undefined;
  }
  const terminal = new LiveTerminal(running, (lines) => footer.show(lines));
  terminal.draw();
  const timer = setInterval(() => terminal.draw(), tableMs);
  const endKeys = keys((key) => terminal.press(key));
  return () => {
    clearInterval(timer);
    endKeys();
    footer.show([]);
  };
};

/** What the table shows, and what its keys do. */
export class LiveTerminal {
  readonly #running: Pick<RunningHost, "host" | "context" | "logTail" | "logger" | "stop">;
  readonly #show: (lines: readonly string[]) => void;
  readonly #figures = new FiguresOfPlugins();
  #selected = 0;

  constructor(
    running: Pick<RunningHost, "host" | "context" | "logTail" | "logger" | "stop">,
    show: (lines: readonly string[]) => void,
  ) {
    this.#running = running;
    this.#show = show;
  }

  /** Draws what is now. */
  draw(): void {
    const { host, context, logTail } = this.#running;
    const nowMs = performance.now();
    const lines = pluginTable(
      host.plugins,
      (plugin) => this.#figures.look(plugin, nowMs),
      this.#plugin?.id,
      context.stdout,
    );
    const logs = logTail.shown === undefined ? "l its log only" : "l all logs";
    const help = `  up/down choose   r reload   s stop, start   ${logs}   q quit`;
    this.#show([...lines, painted("dim", help, context.stdout)]);
  }

  /** Does what a key says. */
  press(key: string): void {
    const { host, logTail, stop } = this.#running;
    const plugin = this.#plugin;
    switch (key) {
      case "\u0003":
      case "q":
        stop();
        return;
      case "\u001B[A":
      case "k":
        this.#selected = Math.max(0, this.#selected - 1);
        break;
      case "\u001B[B":
      case "j":
        this.#selected = Math.min(host.plugins.length - 1, this.#selected + 1);
        break;
      case "r":
        this.#act(plugin, (id) => host.reload(id));
        break;
      case "s":
        this.#act(plugin, (id) =>
          plugin?.state === "stopped" || plugin?.state === "failed"
            ? host.start(id)
            : host.stop({ plugin: id }),
        );
        break;
      case "l":
        logTail.shown = logTail.shown === undefined ? plugin?.id : undefined;
        break;
      default:
        return;
    }
    this.draw();
  }

  get #plugin(): PluginStatus | undefined {
    const { plugins } = this.#running.host;
    return plugins[Math.min(this.#selected, plugins.length - 1)];
  }

  #act(plugin: PluginStatus | undefined, action: (id: string) => Promise<unknown>): void {
    if (plugin === undefined) {
      return;
    }
    action(plugin.id).then(
      () => this.draw(),
      (error: unknown) => {
        const { message } = error as Error;
        this.#running.logger.error({ plugin: plugin.id }, message);
      },
    );
  }
}
