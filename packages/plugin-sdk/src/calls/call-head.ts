import { comparableName, type FieldList, hopByHopNames, ServeHTTPError } from "@servehttp/contract";
import type { CallingExchange, PluginCallInit } from "../handler/plugin-calls.js";
import { readHeaders } from "../handler/read-headers.js";
import { type CallBody, callBody } from "./call-body.js";
import { callTarget } from "./call-target.js";

/** What there is to send of a call, checked. */
export interface CallHead {
  readonly method: string;
  readonly target: string;
  /** Flat: name, value, name, value. */
  readonly fields: FieldList;
  readonly body: CallBody | undefined;
  /** The bytes that the body must have; undefined where it says itself where it ends. */
  readonly bodyBytes: number | undefined;
  readonly trailers: FieldList;
}

/**
 * Makes the head of a call, of what `fetch` was given.
 *
 * @throws ServeHTTPError `invalid-argument` for what can't be sent
 */
export function callHead(
  id: string,
  path: string,
  init: PluginCallInit,
  token: string,
  exchange: CallingExchange | undefined,
): CallHead {
  const target = callTarget(id, path);
  const method = methodOf(init.method);
  const given = readHeaders(init.headers ?? []);
  const trailers = readHeaders(init.trailers ?? []);
  const body = init.body === undefined || init.body === null ? undefined : callBody(init.body);
  const fields = ["Host", "localhost", "Servehttp-Token", token];
  if (exchange !== undefined) {
    fields.push("Servehttp-Exchange", exchange.id);
  }
  let hasType = false;
  let declared: string | undefined;
  for (let at = 0; at < given.length; at += 2) {
    const name = comparableName(given[at] as string);
    if (name === "content-length") {
      declared = given[at + 1];
    } else if (!hopByHopNames.has(name) && name !== "host" && name !== "expect") {
      hasType ||= name === "content-type";
      fields.push(given[at] as string, given[at + 1] as string);
    }
  }
  if (!hasType && body?.contentType !== undefined) {
    fields.push("Content-Type", body.contentType);
  }
  const isChunked = trailers.length > 0;
  const bodyBytes = isChunked ? undefined : bodyBytesOf(body, method, declared);
  if (bodyBytes !== undefined) {
    fields.push("Content-Length", String(bodyBytes));
  } else if (body !== undefined || isChunked) {
    fields.push("Transfer-Encoding", "chunked");
  }
  return { method, target, fields, body, bodyBytes, trailers };
}

function bodyBytesOf(
  body: CallBody | undefined,
  method: string,
  declared: string | undefined,
): number | undefined {
  if (body === undefined) {
    return method === "POST" || method === "PUT" || method === "PATCH" ? 0 : undefined;
  }
  return (
    body.length ??
    (declared !== undefined && /^\d{1,15}$/.test(declared) ? Number(declared) : undefined)
  );
}

function methodOf(given: unknown = "GET"): string {
  if (typeof given !== "string" || !/^[\w!#$%&'*+.^`|~-]{1,64}$/.test(given)) {
    throw new ServeHTTPError("invalid-argument", "the method of a call has to be a token");
  }
  const upper = given.toUpperCase();
  if (upper === "CONNECT") {
    throw new ServeHTTPError("invalid-argument", "CONNECT makes no call: a call has a response");
  }
  // As fetch does (its standard, section 2.2.1).
  return /^(?:DELETE|GET|HEAD|OPTIONS|POST|PUT)$/.test(upper) ? upper : given;
}
