import type { FieldList } from "@servehttp/contract";
import type { HostResponse } from "../client/node-types.js";

/**
 * Takes the fields that the application's own middleware has set on a response off it, and returns
 * a plugin's fields with them. Node would collapse duplicates in the plugin's fields where others were set before, and the
 * host writes HTTP/2 heads past Node's response object. Where both set a field the plugin's stands;
 * cookies add up.
 */
export function withFieldsOfMiddleware(response: HostResponse, fields: FieldList): FieldList {
  const names = response.getHeaderNames();
  if (names.length === 0) {
    return fields;
  }
  const all = [...fields];
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
      all.push(name, one);
    }
  }
  return all;
}
