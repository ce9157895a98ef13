import { render } from "preact";
import { AdminApi } from "./api/admin-api.js";
import { App } from "./page/app.js";
import { forgetToken, keepToken, keptToken, takeTokenOfAddress } from "./page/kept-token.js";
import { followRoute } from "./route/route.js";
import { runWhileVisible } from "./watch/run-while-visible.js";
import { WatchedHost } from "./watch/watched-host.js";

const api = new AdminApi();
api.token = takeTokenOfAddress() ?? keptToken();
if (api.token !== undefined) {
  keepToken(api.token);
}
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

// Where the page is open, and somebody follows such an address again.
addEventListener("hashchange", () => {
  const token = takeTokenOfAddress();
  if (token !== undefined) {
    logIn(token);
  }
});

render(
  <App api={api} host={host} route={route} onToken={logIn} onLogout={logOut} />,
  document.body,
);
void runWhileVisible((until) => host.run(until), new AbortController().signal);
