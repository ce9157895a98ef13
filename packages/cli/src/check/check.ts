import { createPluginHost, type PluginOptions, type PluginStatus } from "@servehttp/host-bridge";
import { asOptionError } from "../config/option-error.js";
import type { Settings } from "../config/settings.js";
import { type CommandContext, writeLine } from "../context/command-context.js";
import { painted } from "../output/painted.js";
import { saidLines } from "../output/said-lines.js";
import { textTable } from "../output/text-table.js";
import { failureReason } from "../run/failure-reason.js";

/**
 * Starts each plugin, asks it who it is and how it is, and stops it again. Writes a table, and
 * returns whether all is well. Nothing listens meanwhile, and nothing is logged.
 *
 * @throws CommandError where the settings are wrong
 */
export async function check(settings: Settings, context: CommandContext): Promise<boolean> {
  const host = asOptionError(settings.file, () =>
    createPluginHost({ ...settings.host, logger: false }),
  );
  try {
    await host.start();
    const checked = await Promise.all(
      host.plugins.map(async (plugin) => ({
        ...plugin,
        isWell: isUp(plugin) && (await host.isServing(plugin.id)),
      })),
    );
    for (const line of tableLines(checked, settings.host.plugins ?? {}, context)) {
      writeLine(context.stdout, line);
    }
    return checked.every(({ isWell }) => isWell);
  } finally {
    await host.stop({ drainMs: 0 });
  }
}

/** A plugin, and what its health check has said. */
interface Checked extends PluginStatus {
  readonly isWell: boolean;
}

function isUp({ state }: PluginStatus): boolean {
  return state === "ready" || state === "in-process";
}

function tableLines(
  plugins: readonly Checked[],
  options: Readonly<Record<string, PluginOptions>>,
  { stdout }: CommandContext,
): readonly string[] {
  if (plugins.length === 0) {
    return ["no plugins"];
  }
  const rows = plugins.map((plugin) => [
    plugin.id,
    plugin.isWell ? "ok" : "FAILED",
    plugin.isWell ? (plugin.carrier ?? "in the host") : reasonOf(plugin, options[plugin.id]),
  ]);
  const [head = "", ...lines] = textTable([["plugin", "result", ""], ...rows]);
  return [
    painted("dim", head, stdout),
    ...lines.flatMap((line, row) => {
      const plugin = plugins[row];
      return plugin === undefined || plugin.isWell
        ? [line]
        : [painted("red", line, stdout), ...saidBy(plugin)];
    }),
  ];
}

function reasonOf(plugin: PluginStatus, options: PluginOptions | undefined): string {
  const { state, failures } = plugin;
  if (isUp(plugin)) {
    return "it runs, and its health check says that it takes no requests, or nothing";
  }
  const failure = failures.at(-1);
  return failure === undefined ? `it is ${state}` : failureReason(failure, options);
}

function saidBy({ failures }: PluginStatus): readonly string[] {
  return saidLines(failures.at(-1)?.stderr ?? []);
}
