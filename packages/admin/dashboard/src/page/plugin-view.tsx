import type { StateChange } from "@servehttp/admin";
import { useEffect, useState } from "preact/hooks";
import { type AdminApi, ApiError } from "../api/admin-api.js";
import { ExchangeList } from "../exchanges/exchange-list.js";
import { LogTail } from "../log/log-tail.js";
import { formatAge, formatMany } from "../model/format.js";
import { StateMark } from "../parts/state-mark.js";
import { PluginActions } from "../plugins/plugin-actions.js";
import { PluginCharts } from "../plugins/plugin-charts.js";
import { PluginDiagnostics } from "../plugins/plugin-diagnostics.js";
import { PluginHistory } from "../plugins/plugin-history.js";
import { overviewPath } from "../route/route.js";
import type { WatchedHost } from "../watch/watched-host.js";
import type { WatchedPlugin } from "../watch/watched-plugin.js";
import { useTitleFocus } from "./title-focus.js";

interface ViewProps {
  readonly api: AdminApi;
  readonly host: WatchedHost;
  readonly id: string;
  /** Undefined: the host has none of this name. */
  readonly plugin: WatchedPlugin | undefined;
}

/** One plugin: its charts, its history, its requests and its log. */
export function PluginView({ api, host, id, plugin }: ViewProps) {
  const title = useTitleFocus();
  return (
    <>
      <nav class="back" aria-label="Breadcrumb">
        <a href={overviewPath}>All plugins</a>
      </nav>
      <div class="headline plugin-head">
        <div>
          <h1 ref={title} tabIndex={-1}>
            {id}
          </h1>
          {plugin !== undefined && <Facts host={host} plugin={plugin} />}
        </div>
        {plugin !== undefined && <PluginActions api={api} plugin={plugin} />}
      </div>
      {plugin === undefined ? (
        <p class="empty first">
          The host has no plugin of this name, or not any more.{" "}
          <a href={overviewPath}>See those that it has.</a>
        </p>
      ) : (
        <>
          <PluginCharts host={host} plugin={plugin} />
          <div class="columns">
            <History api={api} host={host} plugin={plugin} />
            <LogTail api={api} plugin={id} />
          </div>
          <ExchangeList api={api} plugin={id} />
          {plugin.status.value.state !== "in-process" && (
            <PluginDiagnostics api={api} plugin={plugin} />
          )}
        </>
      )}
    </>
  );
}

function Facts(props: { readonly host: WatchedHost; readonly plugin: WatchedPlugin }) {
  const { state, since, pid, carrier, restarts, inFlight, tunnels, waiting } =
    props.plugin.status.value;
  const facts = [
    pid !== null && `process ${pid}`,
    carrier !== null && `over ${carrier}`,
    state !== "in-process" && formatMany(restarts, "restart"),
    `${formatMany(inFlight, "request")} open`,
    tunnels > 0 && `${formatMany(tunnels, "tunnel")} among them`,
    waiting > 0 && `${waiting} waiting`,
  ];
  return (
    <p class="facts">
      <span role="status">
        <StateMark state={state} />
      </span>
      <span>for {formatAge(props.host.nowUnixMs.value - Date.parse(since))}</span>
      {facts.map((fact) => fact !== false && <span key={fact}>{fact}</span>)}
    </p>
  );
}

/** What happened before the page was opened, and since. */
function History(props: {
  readonly api: AdminApi;
  readonly host: WatchedHost;
  readonly plugin: WatchedPlugin;
}) {
  const { api, host, plugin } = props;
  const [changes, setChanges] = useState<readonly StateChange[]>([]);
  const [trouble, setTrouble] = useState<string>();
  const news = plugin.news.value;

  useEffect(() => {
    const ended = new AbortController();
    api.plugin(plugin.id, ended.signal).then(
      ({ history }) => setChanges((known) => merge(known, history)),
      (error: unknown) => setTrouble(error instanceof ApiError ? error.message : undefined),
    );
    return () => ended.abort();
  }, [api, plugin]);

  useEffect(() => {
    if (news !== undefined) {
      setChanges((known) => merge(known, [news]));
    }
  }, [news]);

  return (
    <div>
      {trouble !== undefined && <p class="trouble">{trouble}</p>}
      <PluginHistory changes={changes} nowUnixMs={host.nowUnixMs.value} />
    </div>
  );
}

/** Puts both together, oldest first. Where both tell of one time, the later word knows more. */
function merge(
  known: readonly StateChange[],
  told: readonly StateChange[],
): readonly StateChange[] {
  const byTime = new Map([...known, ...told].map((change) => [change.at, change]));
  return [...byTime.values()].toSorted((one, other) => Date.parse(one.at) - Date.parse(other.at));
}
