import type { IdentityFields } from "../edge/read-identity.js";
import type { RequestClient } from "../edge/request-client.js";
import type { NodeRequest } from "../options/options.js";

/**
 * A function for the option `identity` of `createPluginHost`: resolves with the header fields that
 * say who the client is, or with the answer for a client that may not come in.
 */
export type Identity = (
  request: NodeRequest,
  client?: RequestClient,
) => Promise<IdentityFields | Response>;

/** An answer of the host in the plugin's place, in one line of text. */
export function refusal(
  status: number,
  text: string,
  fields: Readonly<Record<string, string>> = {},
): Response {
  const headers = { "content-type": "text/plain; charset=utf-8", "cache-control": "no-store" };
  return new Response(`${text}\n`, { status, headers: { ...headers, ...fields } });
}

/** Nobody: the fields are the host's, so that no client can set them, and empty. */
export function nobody(headers: readonly string[]): IdentityFields {
  return Object.fromEntries(headers.map((name) => [name, undefined]));
}

/** Text as the value of a header field, which is bytes: in UTF-8. */
export function utf8Value(text: string): string {
  return Buffer.from(text, "utf8").toString("latin1");
}
