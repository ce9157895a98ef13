import type { ObservedRequest } from "../observation/request-observer.js";
import { stripQueryParameters } from "../syntax/strip-query-parameters.js";
import { addressOf } from "./access-record.js";

/** The status that stands for a client that left before it got one, as nginx writes it. */
const clientLeftStatus = 499;

/**
 * The line of a request in Apache's combined log format:
 * `%h %l %u %t "%r" %>s %b "%{Referer}i" "%{User-agent}i"`. What a client has sent is escaped as
 * Apache does it, so that no client can write a line, or a field, of its own.
 *
 * @param secretParameters names of query parameters, by `parameterNames`
 * @param unixMs now, when the request is over
 */
export function combinedLine(
  request: ObservedRequest,
  secretParameters: ReadonlySet<string>,
  unixMs: number,
): string {
  const { httpVersion, method, responseBytes, status = clientLeftStatus, target } = request;
  const begun = dateText(unixMs - (request.totalMs ?? 0));
  const protocol = httpVersion.includes(".") ? httpVersion : `${httpVersion}.0`;
  const referer = request.field("referer");
  const from = referer && stripQueryParameters(referer, secretParameters);
  const client = addressOf(request.clientAddress) ?? "-";
  const bytes = responseBytes === 0 ? "-" : responseBytes;
  return `${client} - - [${begun}] ${quoted(`${method} ${target} HTTP/${protocol}`)} ${status} ${bytes} ${quoted(from)} ${quoted(request.field("user-agent"))}\n`;
}

const months = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ");

/** The last second that was written, and how. */
let written = { second: -1, text: "" };

/** `10/Oct/2000:13:55:36 +0000` */
function dateText(unixMs: number): string {
  const second = Math.floor(unixMs / 1_000);
  if (written.second !== second) {
    const date = new Date(second * 1_000);
    const day = String(date.getUTCDate()).padStart(2, "0");
    const clock = date.toISOString().slice("2000-10-10T".length, "2000-10-10T13:55:36".length);
    const text = `${day}/${months[date.getUTCMonth()]}/${date.getUTCFullYear()}:${clock} +0000`;
    written = { second, text };
  }
  return written.text;
}

function quoted(text: string | undefined): string {
  if (text === undefined || text === "") {
    return '"-"';
  }
  return plain.test(text) ? `"${text}"` : `"${text.replace(unsafe, escaped)}"`;
}

const plain = /^[ !#-[\]-~]*$/;
const unsafe = /[^ !#-[\]-~]/gu;

function escaped(character: string): string {
  if (character === '"' || character === "\\") {
    return `\\${character}`;
  }
  // Node gives bytes as characters; what is none was put together by somebody else.
  const code = character.charCodeAt(0);
  const bytes = code <= 0xff ? Buffer.of(code) : Buffer.from(character);
  return Array.from(bytes, (byte) => `\\x${byte.toString(16).padStart(2, "0")}`).join("");
}
