/** Keeps the token for as long as the tab is open, over reloads of the page. */
const name = "servehttp-token";

/**
 * Takes the token out of the fragment of the page's address (`#token=…`), as the command prints it, and
 * out of the history. Undefined: there is none.
 */
export function takeTokenOfAddress(): string | undefined {
  const [, token] = /^#token=([\x21-\x7e]+)$/.exec(location.hash) ?? [];
  if (token !== undefined) {
    history.replaceState(null, "", location.pathname + location.search);
  }
  return token;
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
