import { Chart } from "../charts/chart.js";
import { type Columns, greatest, windowMs } from "../model/columns.js";
import { formatRate } from "../model/format.js";
import { failureTimes, type Stretch, stretches } from "../model/timeline.js";
import type { WatchedHost } from "../watch/watched-host.js";
import { isCounted } from "./is-counted.js";
import type { WatchedPlugin } from "../watch/watched-plugin.js";

/** Requests a second over the last minutes, above the line of the plugin's life. */
export function LifeChart(props: {
  readonly host: WatchedHost;
  readonly plugin: WatchedPlugin;
  readonly height: number;
  readonly hasAxes?: boolean;
}) {
  const { host, plugin, height, hasAxes = false } = props;
  const columns = plugin.columns.value;
  const changes = plugin.changes.value;
  const toUnixMs = host.nowUnixMs.value;
  const fromUnixMs = toUnixMs - windowMs;
  const failuresUnixMs = failureTimes(changes, fromUnixMs, toUnixMs);
  const lines = stretches(changes, fromUnixMs, toUnixMs);
  const rates = isCounted(plugin) ? ratesOf(columns, lines) : columns.atUnixMs.map(() => null);
  return (
    <Chart
      label={labelOf(rates, failuresUnixMs.length)}
      timesUnixMs={columns.atUnixMs}
      lines={[{ colour: "--live", fill: "--live-fill", values: rates }]}
      fromUnixMs={fromUnixMs}
      toUnixMs={toUnixMs}
      height={height}
      topMin={5}
      {...(hasAxes ? { format: formatRate } : {})}
      life={{ stretches: lines, failuresUnixMs }}
    />
  );
}

/** There is no line while it serves nobody because it is not there. */
function ratesOf(
  { atUnixMs, requestsPerSecond }: Columns,
  lines: readonly Stretch[],
): readonly (number | null)[] {
  const away = lines.filter(({ tone }) => tone !== "live");
  return requestsPerSecond.map((rate, index) => {
    const at = atUnixMs[index] ?? 0;
    const isAway = away.some(({ fromUnixMs, toUnixMs }) => at > fromUnixMs && at <= toUnixMs);
    return rate === 0 && isAway ? null : rate;
  });
}

function labelOf(rates: readonly (number | null)[], failures: number): string {
  const most = greatest(rates);
  const told = most === undefined ? "nothing known" : `${formatRate(most)} at most`;
  const failed =
    failures === 0 ? "no failure" : failures === 1 ? "1 failure" : `${failures} failures`;
  return `Requests a second in the last 5 minutes: ${told}, ${failed}.`;
}
