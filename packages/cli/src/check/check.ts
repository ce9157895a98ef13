import { createPluginHost, type PluginStatus } from "@servehttp/host-bridge";
import { asOptionError } from "../config/option-error.js";
import type { Settings } from "../config/settings.js";
import { type CommandContext, writeLine } from "../context/command-context.js";
import { painted } from "../output/painted.js";
import { saidLines } from "../output/said-lines.js";
import { textTable } from "../output/text-table.js";

/**
 * Starts each plugin, asks it who it is, and stops it again. Writes a table, and returns whether all
 * is well. Nothing listens meanwhile, and nothing is logged.
 *
 * @throws CommandError where the settings are wrong
 */
export async function check(settings: Settings, context: CommandContext): Promise<boolean> {
  const host = asOptionError(settings.file, () =>
    createPluginHost({ ...settings.host, logger: false }),
  );
  try {
    await host.start();
    const plugins = host.plugins;
    for (const line of tableLines(plugins, context)) {
      writeLine(context.stdout, line);
    }
    return plugins.every(isWell);
  } finally {
    await host.stop({ drainMs: 0 });
  }
}

function isWell({ state }: PluginStatus): boolean {
  return state === "ready" || state === "in-process";
}

function tableLines(
  plugins: readonly PluginStatus[],
  { stdout }: CommandContext,
): readonly string[] {
  if (plugins.length === 0) {
    return ["no plugins"];
  }
  const rows = plugins.map((plugin) => [
    plugin.id,
    isWell(plugin) ? "ok" : "FAILED",
    isWell(plugin) ? (plugin.carrier ?? "in the host") : reasonOf(plugin),
  ]);
  const [head = "", ...lines] = textTable([["plugin", "result", ""], ...rows]);
  return [
    painted("dim", head, stdout),
    ...lines.flatMap((line, row) => {
      const plugin = plugins[row];
      return plugin === undefined || isWell(plugin)
        ? [line]
        : [painted("red", line, stdout), ...saidBy(plugin)];
    }),
  ];
}

function reasonOf({ state, failures }: PluginStatus): string {
  return failures.at(-1)?.message ?? `it is ${state}`;
}

function saidBy({ failures }: PluginStatus): readonly string[] {
  return saidLines(failures.at(-1)?.stderr ?? []);
}
