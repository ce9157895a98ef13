import {
  comparableName,
  hopByHopNames,
  isFieldValue,
  isToken,
  trimFieldValue,
} from "@servehttp/contract";
import { webSocketAccept } from "../edge/web-socket-key.js";
import { responseSectionBytesMax } from "../limits.js";

/** The head of a plugin's answer to an HTTP/1 upgrade, as the answer to an extended CONNECT. */
export interface UpgradeAnswer {
  readonly status: number;
  /** Name, value, name, value, without the fields that mean something on HTTP/1 only. */
  readonly fields: readonly string[];
  /** What has come behind the head. */
  readonly rest: Buffer;
}

/** Reads the head of a plugin's answer out of the pieces in which it comes, in linear time. */
export class UpgradeAnswerReader {
  /** What has come, with room for more: it doubles, so that small pieces cost few copies. */
  #buffer = Buffer.alloc(0);
  #bytes = 0;

  /**
   * Takes a piece. Returns undefined as long as the head is not whole.
   *
   * @param clientKey the key that the client itself has sent
   * @throws Error for what is no HTTP/1 response, or too long
   */
  push(piece: Buffer, clientKey: string | undefined): UpgradeAnswer | undefined {
    const received = this.#add(piece);
    // Only the last three of the bytes of before can belong to the end.
    const from = Math.max(0, received.length - piece.length - emptyLine.length + 1);
    const end = received.indexOf(emptyLine, from);
    if (end >= 0) {
      const rest = received.subarray(end + emptyLine.length);
      return { ...parseHead(received.toString("latin1", 0, end), clientKey), rest };
    }
    if (received.length > responseSectionBytesMax) {
      throw notAnAnswer();
    }
    return undefined;
  }

  #add(piece: Buffer): Buffer {
    const bytes = this.#bytes + piece.length;
    if (bytes > this.#buffer.length) {
      const larger = Buffer.allocUnsafe(2 * bytes);
      this.#buffer.copy(larger, 0, 0, this.#bytes);
      this.#buffer = larger;
    }
    piece.copy(this.#buffer, this.#bytes);
    this.#bytes = bytes;
    return this.#buffer.subarray(0, bytes);
  }
}

const emptyLine = "\r\n\r\n";

/**
 * The status of a response that refuses an upgrade. Over HTTP/1 every one but 101 does, but over
 * HTTP/2 a client takes a 2xx for an open connection (RFC 8441, section 5): 501 in its place
 * (RFC 9220, section 3).
 */
export function refusedStatus(status: number): number {
  return status < 300 ? 501 : status;
}

function parseHead(
  text: string,
  clientKey: string | undefined,
): { status: number; fields: string[] } {
  const [statusLine = "", ...lines] = text.split("\r\n");
  const status = Number(/^HTTP\/1\.[01] (\d{3})(?: |$)/.exec(statusLine)?.[1]);
  if (!(status === 101 || (status >= 200 && status <= 599))) {
    throw notAnAnswer();
  }
  const opens = status === 101;
  const fields: string[] = [];
  for (const line of lines) {
    const colon = line.indexOf(":");
    const name = line.slice(0, colon);
    const value = trimFieldValue(line.slice(colon + 1));
    if (colon < 0 || !isToken(name) || !isFieldValue(value)) {
      throw notAnAnswer();
    }
    const comparable = comparableName(name);
    if (!hopByHopNames.has(comparable) && !(opens && notInOpening.has(comparable))) {
      fields.push(name, value);
    }
  }
  if (opens && clientKey !== undefined) {
    fields.push("sec-websocket-accept", webSocketAccept(clientKey));
  }
  return { status: opens ? 200 : refusedStatus(status), fields };
}

/**
 * Fields of a 101 that an answer to CONNECT does not have: the accept value is for the host's own
 * key, unless the client has sent one, and a length has no meaning (RFC 9110, section 9.3.6).
 */
const notInOpening: ReadonlySet<string> = new Set(["content-length", "sec-websocket-accept"]);

function notAnAnswer(): Error {
  return new Error("the plugin's answer to the upgrade is no HTTP/1 response");
}
