import { fieldOverheadBytes } from "./header-fields.js";
import { mergeRequestParts, mergeResponseParts } from "./merge-parts.js";
import type { BodyParts, FieldList, RequestInit, RequestParts, ResponseParts } from "./parts.js";
import { front, rest } from "./split-parts.js";

/** What the sending end of mux must know about the parts of one direction. */
export interface PartRules<Parts extends BodyParts> {
  /** Adds parts to those that wait, where one message can carry both (`merge-parts.ts`). */
  merge(pending: Parts, parts: Parts): boolean;
  /** What may be sent with so many bytes of body (`split-parts.ts`). */
  front(parts: Parts, bodyBytes: number): Parts;
  /** What stays behind `front`. */
  rest(parts: Parts, bodyBytes: number): Parts;
  /** Whether the parts say anything before their first byte of body. */
  hasHead(parts: Parts): boolean;
  /** At least what a frame with the parts takes on the wire beside its body bytes. */
  headBytes(parts: Parts): number;
}

/** The host's direction. */
export const requestPartRules: PartRules<RequestParts> = {
  merge: mergeRequestParts,
  front,
  rest,
  hasHead: (parts) =>
    parts.init !== undefined || (parts.chunk === undefined && parts.end !== undefined),
  headBytes: requestHeadBytes,
};

/** The plugin's direction. */
export const responsePartRules: PartRules<ResponseParts> = {
  merge: mergeResponseParts,
  front,
  rest,
  hasHead: (parts) =>
    parts.informational !== undefined || parts.init !== undefined || parts.hijack === true,
  headBytes: responseHeadBytes,
};

/** Bytes of body and tunnel. */
export function bodyBytesOf(parts: BodyParts): number {
  const { chunk, tunnelChunk } = parts;
  return (
    (chunk === undefined ? 0 : chunk.length) + (tunnelChunk === undefined ? 0 : tunnelChunk.length)
  );
}

/**
 * A frame's id and lengths, and the tags and lengths of every part without a list: at most 10 bytes
 * each.
 */
const frameOverheadBytes = 64;

/** The numbers, flags, tags and lengths of a RequestInit. */
const requestInitOverheadBytes = 128;

/** The tag and length of a section, and its status. */
const sectionOverheadBytes = 24;

function requestHeadBytes(parts: RequestParts): number {
  let bytes = frameOverheadBytes;
  const { init } = parts;
  if (init !== undefined) {
    bytes +=
      requestInitOverheadBytes +
      (init.repeats?.encoded?.length ?? repeatedBytes(init)) +
      init.requestId.length +
      contextBytes(init.context);
  }
  if (parts.end !== undefined) {
    bytes += sectionBytes(parts.end.trailers);
  }
  return bytes;
}

/** What is the same in the head of a request that comes again (`RepeatedHead`). */
function repeatedBytes(init: RequestInit): number {
  let bytes =
    init.method.length +
    init.url.length +
    init.requestUri.length +
    init.basePath.length +
    init.protocol.length +
    init.host.length +
    init.remoteAddress.length +
    init.scheme.length +
    sectionBytes(init.headers);
  if (init.tunnelHead !== undefined) {
    bytes += init.tunnelHead.length;
  }
  if (init.calledBy !== undefined) {
    bytes += init.calledBy.length;
  }
  if (init.clientConnectionId !== undefined) {
    bytes += init.clientConnectionId.length;
  }
  return bytes;
}

function responseHeadBytes(parts: ResponseParts): number {
  let bytes = frameOverheadBytes;
  if (parts.informational !== undefined) {
    for (const { headers } of parts.informational) {
      bytes += sectionBytes(headers);
    }
  }
  if (parts.init !== undefined) {
    bytes += sectionBytes(parts.init.headers) + (parts.init.reason?.length ?? 0);
  }
  if (parts.end !== undefined) {
    bytes += sectionBytes(parts.end.trailers);
  }
  return bytes;
}

function sectionBytes(fields: FieldList): number {
  const { length } = fields;
  let bytes = sectionOverheadBytes + (length / 2) * fieldOverheadBytes;
  for (let index = 0; index < length; index += 1) {
    bytes += (fields[index] as string).length;
  }
  return bytes;
}

function contextBytes(context: Readonly<Record<string, string>>): number {
  let bytes = 0;
  for (const name in context) {
    // A UTF-16 unit is at most three bytes of UTF-8.
    bytes += fieldOverheadBytes + 3 * (name.length + (context[name] as string).length);
  }
  return bytes;
}
