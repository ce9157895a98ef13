import type { PluginFigures } from "@servehttp/admin/command";
import type { PluginStatus } from "@servehttp/host-bridge";
import type { Output } from "../context/command-context.js";
import { painted } from "../output/painted.js";
import { textTable } from "../output/text-table.js";

/** The plugins as lines for a terminal; the one that keys are for is marked. */
export function pluginTable(
  plugins: readonly PluginStatus[],
  figuresOf: (plugin: PluginStatus) => PluginFigures,
  selected: string | undefined,
  output: Output,
): readonly string[] {
  const rows = plugins.map((plugin) => {
    const { rate, memoryBytes, percentiles } = figuresOf(plugin);
    return [
      `${plugin.id === selected ? ">" : " "} ${plugin.id}`,
      plugin.state,
      String(plugin.pid ?? "-"),
      rate === undefined ? "-" : rate.toFixed(rate < 10 ? 1 : 0),
      String(plugin.inFlight),
      String(plugin.restarts),
      shortTime(percentiles?.p50Ms),
      shortTime(percentiles?.p99Ms),
      memoryBytes === undefined ? "-" : `${(memoryBytes / 1_048_576).toFixed(0)} MiB`,
    ];
  });
  const head = [
    "  plugin",
    "state",
    "pid",
    "requests/s",
    "in flight",
    "restarts",
    "p50",
    "p99",
    "memory",
  ];
  const [headLine = "", ...lines] = textTable([head, ...rows]);
  return [
    painted("dim", headLine, output),
    ...lines.map((line, row) => paintedLine(line, plugins[row], selected, output)),
  ];
}

/** Two digits, which is what the bounds of the counts are good for. */
function shortTime(ms: number | undefined): string {
  if (ms === undefined) {
    return "-";
  }
  if (ms === Number.POSITIVE_INFINITY) {
    return "over a minute";
  }
  return ms < 1_000
    ? `${Number(ms.toPrecision(2))} ms`
    : `${Number((ms / 1_000).toPrecision(2))} s`;
}

function paintedLine(
  line: string,
  plugin: PluginStatus | undefined,
  selected: string | undefined,
  output: Output,
): string {
  const isUp = plugin?.state === "ready" || plugin?.state === "in-process";
  const inColour = isUp ? line : painted("yellow", line, output);
  return plugin?.id === selected ? painted("bold", inColour, output) : inColour;
}
