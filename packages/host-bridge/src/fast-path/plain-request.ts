import { fastPathRepeatedBytesMax } from "../limits.js";
import type { LastFields, RepeatedFields } from "./last-fields.js";
import type { PlainHead } from "./plain-head.js";

/**
 * The largest head that is read here; larger ones are left to Node, which has limits of its own.
 */
export interface PlainLimits {
  readonly headBytesMax: number;
  readonly fieldsMax: number;
}

/**
 * Reads the head of a request at the beginning of what has come from a client. Undefined where it
 * is not plain, or not whole: Node's parser then reads the same bytes from the start.
 *
 * Recognises a strict subset of HTTP/1.1 (RFC 9112) and repairs nothing: only CRLF ends a line, no
 * line is folded, nothing stands between a name and its colon, there is exactly one Host. Of the
 * fields that change how the message is framed or how the connection goes on, only one
 * Content-Length of digits and `Connection: keep-alive` may be there.
 *
 * Hot: the small GET of `apps/bench`.
 *
 * @param bytes what has come and has not been read
 * @param last the fields of the connection's last request, which the next one mostly repeats
 */
export function readPlainHead(
  bytes: Buffer,
  limits: PlainLimits,
  last?: LastFields,
): PlainHead | undefined {
  const again = last?.sameHead(bytes);
  if (again !== undefined) {
    return again;
  }
  const fieldsAt = bytes.indexOf(lineFeed) + 1;
  const same = last?.sameAt(bytes, fieldsAt, limits.headBytesMax);
  if (same !== undefined) {
    return readLineBefore(same, bytes, fieldsAt);
  }
  // One character a byte. What stands behind the head may be a long body, of which only so much is
  // looked at.
  const text = bytes.toString("latin1", 0, limits.headBytesMax);
  const line = readLine(text);
  const head = line && readFields(text, line, limits.fieldsMax);
  if (head !== undefined) {
    last?.note(bytes, fieldsAt, head);
  }
  return head;
}

/** The head whose fields are known, by the line in front of them. */
function readLineBefore(
  fields: RepeatedFields,
  bytes: Buffer,
  fieldsAt: number,
): PlainHead | undefined {
  const method = methodAt(bytes);
  const targetEnd = fieldsAt - versionLineEnd.length;
  if (method === undefined || !endsLine(bytes, targetEnd)) {
    return undefined;
  }
  const targetAt = method.length + 1;
  const target = bytes.toString("latin1", targetAt, targetEnd);
  const { last } = fields;
  if (last?.target === target && last.method === method) {
    fields.lastBytes ??= Buffer.from(bytes.subarray(0, last.bytes));
    return last;
  }
  if (!isPlainTarget(target)) {
    return undefined;
  }
  const mayRepeat = target.length <= fastPathRepeatedBytesMax;
  const head: PlainHead = {
    method,
    target,
    rawHeaders: fields.rawHeaders,
    contentLength: fields.contentLength,
    bytes: fieldsAt + fields.bytes.length,
    fieldsMemo: fields.memo,
    headMemo: mayRepeat ? { made: undefined } : undefined,
    routed: undefined,
    routedBy: 0,
  };
  if (mayRepeat) {
    fields.last = head;
    fields.lastBytes = undefined;
  }
  return head;
}

/** The method with which the bytes begin. */
function methodAt(bytes: Buffer): string | undefined {
  for (let index = 0; index < methods.length; index += 1) {
    const method = methods[index] as string;
    const { length } = method;
    let at = 0;
    while (at < length && bytes[at] === method.charCodeAt(at)) {
      at += 1;
    }
    if (at === length && bytes[at] === space) {
      return method;
    }
  }
  return undefined;
}

function endsLine(bytes: Buffer, at: number): boolean {
  for (let index = 0; index < versionLineEnd.length; index += 1) {
    if (bytes[at + index] !== versionLineEnd.charCodeAt(index)) {
      return false;
    }
  }
  return true;
}

interface RequestLine {
  readonly method: string;
  readonly target: string;
  /** With the CRLF that ends it. */
  readonly length: number;
}

function readLine(text: string): RequestLine | undefined {
  const methodEnd = text.indexOf(" ");
  const name = text.slice(0, methodEnd);
  const method = methods.find((known) => known === name);
  if (method === undefined) {
    return undefined;
  }
  const targetAt = methodEnd + 1;
  const targetEnd = text.indexOf(" ", targetAt);
  if (!text.startsWith(versionLineEnd, targetEnd)) {
    return undefined;
  }
  const target = text.slice(targetAt, targetEnd);
  return isPlainTarget(target)
    ? { method, target, length: targetEnd + versionLineEnd.length }
    : undefined;
}

function isPlainTarget(target: string): boolean {
  return target.charCodeAt(0) === slash && !outsideTargetPattern.test(target);
}

function readFields(
  text: string,
  { method, target, length }: RequestLine,
  fieldsMax: number,
): PlainHead | undefined {
  const rawHeaders: string[] = [];
  let hasHost = false;
  let hasConnection = false;
  let contentLength = -1;
  let at = length;
  for (let count = 0; count <= fieldsMax; count++) {
    const lineEnd = text.indexOf("\r\n", at);
    if (lineEnd === at) {
      return hasHost
        ? {
            method,
            target,
            rawHeaders,
            contentLength: Math.max(contentLength, 0),
            bytes: at + 2,
            fieldsMemo: undefined,
            headMemo: undefined,
            routed: undefined,
            routedBy: 0,
          }
        : undefined;
    }
    const colon = text.indexOf(":", at);
    if (lineEnd < 0 || colon < 0 || colon > lineEnd) {
      return undefined;
    }
    const name = text.slice(at, colon);
    const value = trimmed(text, colon + 1, lineEnd);
    // A bare CR or LF is among the characters that no value may hold.
    if (!tokenPattern.test(name) || outsideValuePattern.test(value)) {
      return undefined;
    }
    switch (framingOf(name)) {
      case "none":
        break;
      case "host":
        if (hasHost) {
          return undefined;
        }
        hasHost = true;
        break;
      case "connection":
        if (hasConnection || (value !== "keep-alive" && value.toLowerCase() !== "keep-alive")) {
          return undefined;
        }
        hasConnection = true;
        break;
      case "length":
        if (contentLength >= 0 || !lengthPattern.test(value)) {
          return undefined;
        }
        contentLength = Number(value);
        break;
      case "other":
        return undefined;
    }
    rawHeaders.push(name, value);
    at = lineEnd + 2;
  }
  return undefined;
}

const slash = 0x2f;
const lineFeed = 0x0a;
const space = 0x20;
const versionLineEnd = " HTTP/1.1\r\n";

/**
 * These strings are used in place of the text that was read: a part of it would keep the whole head
 * alive.
 */
const methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"] as const;

/** RFC 9110, section 5.6.2. */
const tokenPattern = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

/** A character that no field value may hold (RFC 9110, section 5.5). */
const outsideValuePattern = /[^\t\x20-\x7e\x80-\xff]/;

/**
 * A character that no target of a plain request may hold: a blank, a control character, "#", or no
 * ASCII (RFC 3986).
 */
const outsideTargetPattern = /[^\x21\x22\x24-\x7e]/;

/** Up to 15 digits: always a safe integer. */
const lengthPattern = /^[0-9]{1,15}$/;

type Framing = "none" | "host" | "connection" | "length" | "other";

/**
 * What a field means for the framing of its message, or for the connection. The length of its name
 * rules out most fields.
 */
function framingOf(name: string): Framing {
  switch (name.length) {
    case 2: // TE
    case 4: // Host
    case 6: // Expect
    case 7: // Trailer, Upgrade
    case 10: // Connection
    case 14: // Content-Length
    case 16: // Proxy-Connection, which Node's parser reads as Connection
    case 17: // Transfer-Encoding
      return framingNames.get(name) ?? framingNames.get(name.toLowerCase()) ?? "none";
    default:
      return "none";
  }
}

const framingNames: ReadonlyMap<string, Framing> = new Map([
  ["Host", "host"],
  ["host", "host"],
  ["Connection", "connection"],
  ["connection", "connection"],
  ["content-length", "length"],
  ["expect", "other"],
  ["proxy-connection", "other"],
  ["te", "other"],
  ["trailer", "other"],
  ["transfer-encoding", "other"],
  ["upgrade", "other"],
]);

/** A value without the blanks around it. */
function trimmed(text: string, begin: number, end: number): string {
  let from = begin;
  let to = end;
  while (from < to && isBlank(text.charCodeAt(from))) {
    from += 1;
  }
  while (to > from && isBlank(text.charCodeAt(to - 1))) {
    to -= 1;
  }
  return text.slice(from, to);
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09;
}
