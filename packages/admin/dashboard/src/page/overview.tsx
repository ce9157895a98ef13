import type { AdminApi } from "../api/admin-api.js";
import { ExchangeList } from "../exchanges/exchange-list.js";
import { sampleAt } from "../model/columns.js";
import { formatMany, formatRate } from "../model/format.js";
import { headline } from "../model/headline.js";
import { troubleOf } from "../plugins/trouble.js";
import { PluginTable } from "../plugins/plugin-table.js";
import type { WatchedHost } from "../watch/watched-host.js";
import type { WatchedPlugin } from "../watch/watched-plugin.js";
import { useTitleFocus } from "./title-focus.js";

/** All plugins, and what is open at all of them. */
export function Overview(props: {
  readonly api: AdminApi;
  readonly host: WatchedHost;
  readonly plugins: readonly WatchedPlugin[];
}) {
  const { api, host, plugins } = props;
  const title = useTitleFocus();
  return (
    <>
      <div class="headline">
        <h1 ref={title} tabIndex={-1}>
          <span role="status">
            {headline(plugins.map((plugin) => ({ id: plugin.id, ...troubleOf(plugin, host) })))}
          </span>
        </h1>
        {plugins.length > 0 && <Sums host={host} plugins={plugins} />}
      </div>
      {plugins.length === 0 ? <NoPlugins /> : <PluginTable host={host} plugins={plugins} />}
      <ExchangeList api={api} />
    </>
  );
}

function Sums(props: { readonly host: WatchedHost; readonly plugins: readonly WatchedPlugin[] }) {
  const { host, plugins } = props;
  const now = host.nowUnixMs.value;
  const samples = plugins.map(({ columns }) => sampleAt(columns.value, now));
  const rate = samples.reduce((sum, sample) => sum + (sample?.requestsPerSecond ?? 0), 0);
  const open = plugins.reduce((sum, { status }) => sum + status.value.inFlight, 0);
  const waiting = samples.reduce((sum, sample) => sum + (sample?.waiting ?? 0), 0);
  return (
    <p class="sums">
      {formatRate(rate)} requests a second, {formatMany(open, "request")} open
      {waiting > 0 && `, ${waiting} waiting for a plugin`}.
    </p>
  );
}

function NoPlugins() {
  return (
    <div class="empty first">
      <p>Give the host one, and it is here at once:</p>
      <pre class="words">servehttp --plugin notes=./notes.js --port 8080</pre>
      <p>
        In a program: <code>host.add("notes", {'{ command: ["node", "notes.js"] }'})</code>.
      </p>
    </div>
  );
}
