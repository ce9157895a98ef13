import { pointedUnixMs } from "../charts/chart.js";
import { sampleAt } from "../model/columns.js";
import { formatAge, formatBytes, formatClock, formatMs, formatRate } from "../model/format.js";
import { tellingLine } from "../model/telling-line.js";
import { pluginPath } from "../route/route.js";
import { StateMark } from "../parts/state-mark.js";
import type { WatchedHost } from "../watch/watched-host.js";
import type { WatchedPlugin } from "../watch/watched-plugin.js";
import { isCounted } from "./is-counted.js";
import { LifeChart } from "./life-chart.js";
import { troubleOf } from "./trouble.js";

interface TableProps {
  readonly host: WatchedHost;
  readonly plugins: readonly WatchedPlugin[];
}

/** All plugins on one axis of time. Pointing at a time shows the figures of that time. */
export function PluginTable({ host, plugins }: TableProps) {
  const pointed = pointedUnixMs.value;
  // Phones lay rows out as grids. The roles keep them rows of a table for screen readers.
  return (
    <table class="plugins" role="table" aria-label="Plugins">
      <thead role="rowgroup">
        <tr role="row">
          <th role="columnheader" scope="col">
            Plugin
          </th>
          <th role="columnheader" scope="col" class="axis">
            <span class="axis-ends">
              <span>5 min ago</span>
              <span class="pointed" aria-hidden="true">
                {pointed !== undefined && formatClock(pointed)}
              </span>
              <span>now</span>
            </span>
          </th>
          <th role="columnheader" scope="col" class="figure">
            Requests/s
          </th>
          <th role="columnheader" scope="col" class="figure">
            p50
          </th>
          <th role="columnheader" scope="col" class="figure">
            p99
          </th>
          <th role="columnheader" scope="col" class="figure">
            Memory
          </th>
        </tr>
      </thead>
      <tbody role="rowgroup">
        {plugins.map((plugin) => (
          <PluginRow key={plugin.id} host={host} plugin={plugin} />
        ))}
      </tbody>
    </table>
  );
}

function PluginRow(props: { readonly host: WatchedHost; readonly plugin: WatchedPlugin }) {
  const { host, plugin } = props;
  const { id, state, since } = plugin.status.value;
  const trouble = troubleOf(plugin, host);
  const now = host.nowUnixMs.value;
  return (
    <tr role="row" class={trouble.isBad ? "bad" : ""}>
      <th role="rowheader" scope="row" class="name">
        <a href={pluginPath(id)}>{id}</a>
        <span class="name-state">
          <StateMark state={state} />
          <span class="soft">for {formatAge(now - Date.parse(since))}</span>
        </span>
      </th>
      <td role="cell" class="life">
        <LifeChart host={host} plugin={plugin} height={56} />
        {(trouble.isBad || trouble.failures > 0) && <LastWords plugin={plugin} />}
      </td>
      <Figures plugin={plugin} unixMs={pointedUnixMs.value ?? now} />
    </tr>
  );
}

/** Why it failed last, in one line. */
function LastWords({ plugin }: { readonly plugin: WatchedPlugin }) {
  const failure = plugin.status.value.failures.at(-1);
  if (failure === undefined) {
    return null;
  }
  return (
    <p class="last-words">
      <span>{failure.message}</span> <code>{tellingLine(failure.stderr)}</code>
    </p>
  );
}

function Figures(props: { readonly plugin: WatchedPlugin; readonly unixMs: number }) {
  const { plugin, unixMs } = props;
  const sample = isCounted(plugin) ? sampleAt(plugin.columns.value, unixMs) : undefined;
  return (
    <>
      <Figure label="Requests/s" value={sample?.requestsPerSecond} format={formatRate} />
      <Figure label="p50" value={sample?.p50Ms} format={formatMs} />
      <Figure label="p99" value={sample?.p99Ms} format={formatMs} />
      <Figure label="Memory" value={sample?.memoryBytes} format={formatBytes} />
    </>
  );
}

function Figure(props: {
  readonly label: string;
  readonly value: number | null | undefined;
  readonly format: (value: number) => string;
}) {
  const { label, value, format } = props;
  return (
    <td role="cell" class="figure" data-label={label}>
      {value === null || value === undefined ? <span class="soft">–</span> : format(value)}
    </td>
  );
}
