/**
 * The head of a plain request: what a fast path beside Node's parser may serve, because there is only one way to read it.
 */
export interface PlainHead {
  readonly method: string;
  /** In origin form, as it came. */
  readonly target: string;
  /** As Node gives them: name, value, name, value; without blanks around a value. */
  readonly rawHeaders: string[];
  /** Of the body; 0 where there is none. */
  readonly contentLength: number;
  /** Of the head, up to its empty line. */
  readonly bytes: number;
}

/** What a head may be at the most; larger ones are left to Node, which has limits of its own. */
export interface PlainLimits {
  readonly headBytesMax: number;
  readonly fieldsMax: number;
}

/**
 * Reads the head of a request at the beginning of what has come from a client. Undefined where it is not plain, or not whole:
 * then nobody has decided anything, and Node's parser reads the same bytes.
 *
 * A strict subset of HTTP/1.1 (RFC 9112) is recognised, and nothing is repaired: only CRLF ends a line, no line is folded, nothing
 * stands between a name and its colon, there is one Host, and no field is there that changes how the message is framed or how the
 * connection goes on, but one Content-Length of digits and `Connection: keep-alive`.
 *
 * Hot: the small GET of `apps/bench`.
 *
 * @param bytes what has come and has not been read
 */
export function readPlainHead(octets: Buffer, limits: PlainLimits): PlainHead | undefined {
  // One character a byte. Bytes behind the head may be a body's, of which no more is looked at than a head may have.
  const text = octets.toString("latin1", 0, limits.headBytesMax);
  const methodEnd = text.indexOf(" ");
  const method = methods.get(text.slice(0, methodEnd));
  if (method === undefined) {
    return undefined;
  }
  const targetAt = methodEnd + 1;
  const targetEnd = text.indexOf(" ", targetAt);
  if (text.charCodeAt(targetAt) !== slash || !text.startsWith(versionLineEnd, targetEnd)) {
    return undefined;
  }
  const target = text.slice(targetAt, targetEnd);
  if (outsideTargetPattern.test(target)) {
    return undefined;
  }
  return readFields(text, targetEnd + versionLineEnd.length, method, target, limits.fieldsMax);
}

function readFields(
  text: string,
  fieldsAt: number,
  method: string,
  target: string,
  fieldsMax: number,
): PlainHead | undefined {
  const rawHeaders: string[] = [];
  let hasHost = false;
  let hasConnection = false;
  let contentLength = -1;
  let at = fieldsAt;
  for (let count = 0; count <= fieldsMax; count++) {
    const lineEnd = text.indexOf("\r\n", at);
    if (lineEnd === at) {
      return hasHost
        ? { method, target, rawHeaders, contentLength: Math.max(contentLength, 0), bytes: at + 2 }
        : undefined;
    }
    const colon = text.indexOf(":", at);
    if (lineEnd < 0 || colon < 0 || colon > lineEnd) {
      return undefined;
    }
    const name = text.slice(at, colon);
    const value = trimmed(text, colon + 1, lineEnd);
    // A name that is no token holds white space, say; a bare CR or LF is a control character like any other.
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
const versionLineEnd = " HTTP/1.1\r\n";

/** By themselves, so that a request's method is one of these strings and no part of its head. */
const methods: ReadonlyMap<string, string> = new Map(
  ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"].map((name) => [name, name]),
);

/** RFC 9110, section 5.6.2. */
const tokenPattern = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

/** What is not field-content by RFC 9110, section 5.5. */
const outsideValuePattern = /[^\t\x20-\x7e\x80-\xff]/;

/** A subset of what may stand in a target (RFC 3986): no blanks, no control characters, no fragment, ASCII alone. */
const outsideTargetPattern = /[^\x21\x22\x24-\x7e]/;

/** Up to 15 digits: always a safe integer. */
const lengthPattern = /^[0-9]{1,15}$/;

type Framing = "none" | "host" | "connection" | "length" | "other";

/** What a field means for the framing of its message or for the connection. By length first: nearly all mean nothing. */
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
