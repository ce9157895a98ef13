import { render } from "preact";
import { AdminApi } from "./api/admin-api.js";
import { App } from "./page/app.js";
import { forgetToken, keepToken, keepTokenOfAddress, keptToken } from "./page/kept-token.js";
import { followRoute } from "./route/route.js";
import { WatchedHost } from "./watch/watched-host.js";

const api = new AdminApi();
keepTokenOfAddress();
api.token = keptToken();
const host = new WatchedHost(api);
const route = followRoute();

function logIn(token: string): void {
  keepToken(token);
  host.unlock(token);
}

function logOut(): void {
  forgetToken();
  location.reload();
}

render(
  <App api={api} host={host} route={route} onToken={logIn} onLogout={logOut} />,
  document.body,
);
void host.run(new AbortController().signal);
