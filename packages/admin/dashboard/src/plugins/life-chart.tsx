import { Chart } from "../charts/chart.js";
import { type Columns, greatest, windowMs } from "../model/columns.js";
import { formatRate } from "../model/format.js";
import { failureTimes, stretches } from "../model/timeline.js";
import type { WatchedHost } from "../watch/watched-host.js";
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
  return (
    <Chart
      label={labelOf(columns, failuresUnixMs.length)}
      timesUnixMs={columns.atUnixMs}
      lines={[{ colour: "--live", fill: "--live-fill", values: columns.requestsPerSecond }]}
      fromUnixMs={fromUnixMs}
      toUnixMs={toUnixMs}
      height={height}
      topMin={5}
      {...(hasAxes ? { format: formatRate } : {})}
      life={{ stretches: stretches(changes, fromUnixMs, toUnixMs), failuresUnixMs }}
    />
  );
}

function labelOf({ requestsPerSecond }: Columns, failures: number): string {
  const most = greatest(requestsPerSecond);
  const rates = most === undefined ? "nothing known yet" : `${formatRate(most)} at most`;
  const failed =
    failures === 0 ? "no failure" : failures === 1 ? "1 failure" : `${failures} failures`;
  return `Requests a second in the last 5 minutes: ${rates}, ${failed}.`;
}
