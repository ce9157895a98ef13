/** Keeps the token for as long as the tab is open, over reloads of the page. */
const name = "servehttp-token";

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
