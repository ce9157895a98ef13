import { signal } from "@preact/signals";

/** Where the reader is: on the overview, or at a plugin. */
export interface Route {
  /** Undefined: the overview. */
  readonly plugin: string | undefined;
}

/** Behind `#`, so that the page works wherever it is mounted, and the back button works. */
export function parseRoute(hash: string): Route {
  const [, id] = /^#\/plugins\/(.+)$/.exec(hash) ?? [];
  if (id === undefined) {
    return { plugin: undefined };
  }
  try {
    return { plugin: decodeURIComponent(id) };
  } catch {
    return { plugin: undefined };
  }
}

/** The address of a plugin's view. */
export function pluginPath(id: string): string {
  return `#/plugins/${encodeURIComponent(id)}`;
}

/** The address of the overview. */
export const overviewPath = "#/";

/** Follows the address of the page. */
export function followRoute(): { readonly value: Route } {
  const route = signal(parseRoute(location.hash));
  addEventListener("hashchange", () => {
    route.value = parseRoute(location.hash);
  });
  return route;
}
