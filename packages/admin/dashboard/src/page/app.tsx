import { useEffect } from "preact/hooks";
import type { AdminApi } from "../api/admin-api.js";
import { ConfirmDialog } from "../parts/confirm-dialog.js";
import { Notices } from "../parts/notices.js";
import type { Route } from "../route/route.js";
import type { WatchedHost } from "../watch/watched-host.js";
import { ConnectionBar } from "./connection-bar.js";
import { HostFacts } from "./host-facts.js";
import { Login } from "./login.js";
import { Masthead } from "./masthead.js";
import { Overview } from "./overview.js";
import { PluginView } from "./plugin-view.js";

interface AppProps {
  readonly api: AdminApi;
  readonly host: WatchedHost;
  readonly route: { readonly value: Route };
  readonly onToken: (token: string) => void;
  readonly onLogout: () => void;
}

/** The whole page. */
export function App({ api, host, route, onToken, onLogout }: AppProps) {
  const connection = host.connection.value;
  const plugins = host.plugins.value;
  const { plugin: id } = route.value;

  useEffect(() => {
    document.title = id === undefined ? "servehttp" : `${id} · servehttp`;
  }, [id]);

  if (connection.kind === "locked") {
    return <Login isWrong={connection.isWrong} onToken={onToken} />;
  }
  return (
    <>
      <Masthead host={host} hasToken={api.token !== undefined} onLogout={onLogout} />
      <ConnectionBar host={host} />
      <main class={connection.kind === "lost" ? "stale" : ""}>
        {plugins === undefined ? (
          <p class="empty first">Asking the host …</p>
        ) : id === undefined ? (
          <Overview api={api} host={host} plugins={plugins} />
        ) : (
          <PluginView
            key={id}
            id={id}
            api={api}
            host={host}
            plugin={plugins.find((plugin) => plugin.id === id)}
          />
        )}
      </main>
      <HostFacts api={api} host={host} />
      <Notices />
      <ConfirmDialog />
    </>
  );
}
