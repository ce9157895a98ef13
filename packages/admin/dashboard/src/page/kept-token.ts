/** Keeps the token for as long as the tab is open, over reloads of the page. */
const name = "servehttp-token";

/**
 * Keeps the token in the fragment of the page's address (`#token=…`), as the command prints it, and
 * takes it out of the address and the history.
 */
export function keepTokenOfAddress(): void {
  const [, token] = /^#token=(.+)$/.exec(location.hash) ?? [];
  if (token !== undefined) {
    keepToken(decodeURIComponent(token));
    history.replaceState(null, "", location.pathname + location.search);
  }
}

/** Undefined: there is none. */
export function keptToken(): string | undefined {
  return sessionStorage.getItem(name) ?? undefined;
}

export function keepToken(token: string): void {
  sessionStorage.setItem(name, token);
}

export function forgetToken(): void {
  sessionStorage.removeItem(name);
}
