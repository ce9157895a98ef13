import type { ComponentChildren } from "preact";
import { Chart, pointedUnixMs } from "../charts/chart.js";
import { greatest, sampleAt, windowMs } from "../model/columns.js";
import { formatBytes, formatClock, formatMs, formatRate } from "../model/format.js";
import type { WatchedHost } from "../watch/watched-host.js";
import type { WatchedPlugin } from "../watch/watched-plugin.js";
import { isCounted } from "./is-counted.js";
import { LifeChart } from "./life-chart.js";

const height = 160;
/** Steps of an axis of bytes: powers of two. */
const byteSteps = Array.from({ length: 24 }, (_, power) => 2 ** (power + 16));
/** Rows of the table that says the same. */
const rowsMax = 10;

/** The charts of one plugin, all on one axis of time, and what they show as a table. */
export function PluginCharts(props: {
  readonly host: WatchedHost;
  readonly plugin: WatchedPlugin;
}) {
  const { host, plugin } = props;
  const columns = plugin.columns.value;
  const toUnixMs = host.nowUnixMs.value;
  const span = { fromUnixMs: toUnixMs - windowMs, toUnixMs };
  const sample = sampleAt(columns, pointedUnixMs.value ?? toUnixMs);
  const when = pointedUnixMs.value === undefined ? "now" : formatClock(pointedUnixMs.value);
  if (!isCounted(plugin)) {
    return <p class="empty">The host counts nothing of a handler in its own process.</p>;
  }
  if (columns.atUnixMs.length === 0) {
    return <p class="empty">The charts begin with the next look at it, in a second.</p>;
  }
  return (
    <section aria-labelledby="charts-title">
      <h2 id="charts-title" class="visually-hidden">
        The last five minutes
      </h2>
      <div class="charts">
        <Panel title="Requests a second" when={when}>
          <Key colour="live" value={sample?.requestsPerSecond} format={formatRate} />
          <LifeChart host={host} plugin={plugin} height={height} hasAxes />
        </Panel>
        <Panel title="Time to the head of a response" when={when}>
          <Key colour="live" name="p50" value={sample?.p50Ms} format={formatMs} />
          <Key colour="slow" name="p99" isDashed value={sample?.p99Ms} format={formatMs} />
          <Chart
            {...span}
            label={`Time to the head of a response: p50 ${upTo(columns.p50Ms, formatMs)}, p99 ${upTo(columns.p99Ms, formatMs)}.`}
            timesUnixMs={columns.atUnixMs}
            lines={[
              { colour: "--live", values: columns.p50Ms },
              { colour: "--slow", dash: [4, 3], values: columns.p99Ms },
            ]}
            height={height}
            topMin={5}
            format={formatMs}
          />
        </Panel>
        <Panel title="Memory" when={when}>
          <Key colour="memory" value={sample?.memoryBytes} format={formatBytes} />
          <Chart
            {...span}
            label={`Memory: ${upTo(columns.memoryBytes, formatBytes)}.`}
            timesUnixMs={columns.atUnixMs}
            lines={[{ colour: "--memory", fill: "--memory-fill", values: columns.memoryBytes }]}
            height={height}
            topMin={1_048_576}
            format={formatBytes}
            steps={byteSteps}
          />
        </Panel>
      </div>
      <SameAsTable plugin={plugin} toUnixMs={toUnixMs} />
    </section>
  );
}

function Panel(props: {
  readonly title: string;
  readonly when: string;
  readonly children: ComponentChildren;
}) {
  return (
    <div class="panel">
      <h3>
        {props.title} <span class="soft">{props.when}</span>
      </h3>
      {props.children}
    </div>
  );
}

/** What a line means, and its value at the time that is pointed at. */
function Key(props: {
  readonly colour: string;
  readonly name?: string;
  readonly isDashed?: boolean;
  readonly value: number | null | undefined;
  readonly format: (value: number) => string;
}) {
  const { colour, name, isDashed = false, value, format } = props;
  return (
    <span class="key">
      {name !== undefined && (
        <span class="key-name">
          <svg class={colour} viewBox="0 0 16 4" width="16" height="4" aria-hidden="true">
            <path
              d="M0 2h16"
              stroke="currentColor"
              stroke-width="2"
              {...(isDashed ? { "stroke-dasharray": "4 3" } : {})}
            />
          </svg>
          {name}
        </span>
      )}
      <strong>{value === null || value === undefined ? "–" : format(value)}</strong>
    </span>
  );
}

function upTo(values: readonly (number | null)[], format: (value: number) => string): string {
  const most = greatest(values);
  return most === undefined ? "nothing known yet" : `${format(most)} at most`;
}

function SameAsTable(props: { readonly plugin: WatchedPlugin; readonly toUnixMs: number }) {
  const columns = props.plugin.columns.value;
  const stepMs = windowMs / rowsMax;
  const rows = Array.from({ length: rowsMax }, (_, index) =>
    sampleAt(columns, props.toUnixMs - index * stepMs),
  ).filter((row) => row !== undefined);
  return (
    <details class="as-table">
      <summary>The same as a table</summary>
      <div
        class="scroll-x"
        tabIndex={0}
        role="region"
        aria-label="Figures of the last five minutes"
      >
        <table>
          <thead>
            <tr>
              {["Time", "Requests/s", "p50", "p99", "Memory", "Open", "Waiting"].map((name) => (
                <th key={name} scope="col">
                  {name}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map((row) => (
              <tr key={row.atUnixMs}>
                <th scope="row">{formatClock(row.atUnixMs)}</th>
                <td>{formatRate(row.requestsPerSecond)}</td>
                <td>{row.p50Ms === null ? "–" : formatMs(row.p50Ms)}</td>
                <td>{row.p99Ms === null ? "–" : formatMs(row.p99Ms)}</td>
                <td>{row.memoryBytes === null ? "–" : formatBytes(row.memoryBytes)}</td>
                <td>{row.inFlight}</td>
                <td>{row.waiting}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </details>
  );
}
