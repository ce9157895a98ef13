import type { NodeRequest } from "../options/options.js";

/** A request as `identity` gets it, without a socket behind it. */
export function nodeRequest(
  fields: readonly (readonly [name: string, value: string])[] = [],
  given: {
    readonly method?: string;
    readonly url?: string;
    readonly peer?: string;
    readonly encrypted?: boolean;
  } = {},
): NodeRequest {
  const { method = "GET", url = "/", peer = "192.0.2.7", encrypted = false } = given;
  const headers: Record<string, string> = {};
  for (const [name, value] of fields) {
    const lower = name.toLowerCase();
    headers[lower] = headers[lower] === undefined ? value : `${headers[lower]}, ${value}`;
  }
  const remoteAddress = peer === "unix" ? undefined : peer;
  const socket = { remoteAddress, encrypted, destroyed: false };
  return { method, url, headers, rawHeaders: fields.flat(), socket } as unknown as NodeRequest;
}

/** An answer of an identity, in one line: its fields, or its status, challenge and text. */
export async function told(answer: unknown): Promise<unknown> {
  if (!(answer instanceof Response)) {
    return answer;
  }
  const challenge = answer.headers.get("www-authenticate");
  return [answer.status, challenge, (await answer.text()).trim()].filter(Boolean).join(" | ");
}
