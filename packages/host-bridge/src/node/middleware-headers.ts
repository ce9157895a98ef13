import type { HostResponse } from "../client/incoming-request.js";

/**
 * Moves fields that the host's own middleware has set on a response into the list of a plugin's head: Node collapses duplicates of
 * a list that meets fields set before, and a response that goes out beside Node's object would lose them. The
 * plugin's win, except for cookies, which add up.
 */
export function keepFieldsOfMiddleware(response: HostResponse, fields: string[]): void {
  const names = response.getHeaderNames();
  if (names.length === 0) {
    return;
  }
  const given = new Set<string>();
  for (let index = 0; index < fields.length; index += 2) {
    given.add((fields[index] as string).toLowerCase());
  }
  for (const name of names) {
    const value: string | number | readonly string[] | undefined = response.getHeader(name);
    response.removeHeader(name);
    if (value === undefined || (given.has(name) && name !== "set-cookie")) {
      continue;
    }
    for (const one of typeof value === "object" ? value : [String(value)]) {
      fields.push(name, one);
    }
  }
}
