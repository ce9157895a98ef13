import {
  constants,
  type Http2ServerRequest,
  type Http2ServerResponse,
  type ServerHttp2Stream,
} from "node:http2";
import { Duplex } from "node:stream";
import {
  comparableName,
  hopByHopNames,
  isFieldValue,
  isToken,
  trimFieldValue,
} from "@servehttp/contract";
import { toHttp2Fields } from "../edge/response-head.js";
import { responseSectionBytesMax } from "../limits.js";
import { Http2Response } from "./http2-response.js";

/**
 * The response to an extended CONNECT, by which a client opens a WebSocket over HTTP/2 (RFC 8441).
 * The plugin gets an HTTP/1 upgrade in its place, and the head of the plugin's answer becomes the
 * head of the stream.
 */
export class ExtendedConnectResponse extends Http2Response {
  readonly #stream: ServerHttp2Stream;

  constructor(request: Http2ServerRequest, response: Http2ServerResponse) {
    super(request, response, false);
    this.#stream = request.stream;
  }

  override hijack(): Duplex | undefined {
    return this.closed ? undefined : new UpgradedStream(this.#stream);
  }
}

/** The stream, as the upgraded HTTP/1 connection for which a plugin takes it. */
class UpgradedStream extends Duplex {
  readonly #stream: ServerHttp2Stream;
  /**
   * What has come of the plugin's response head, with room for more; undefined once the head has gone
   * to the client.
   */
  #head: Buffer | undefined = Buffer.alloc(0);
  #headBytes = 0;

  constructor(stream: ServerHttp2Stream) {
    super({ allowHalfOpen: true });
    this.#stream = stream;
    stream.on("data", (chunk: Buffer) => {
      if (!this.push(chunk)) {
        stream.pause();
      }
    });
    stream.on("end", () => this.push(null));
    stream.on("error", () => {
      // The close that follows says what there is to say.
    });
    stream.once("close", () => this.destroy());
    stream.pause();
  }

  override _read(): void {
    this.#stream.resume();
  }

  override _write(
    chunk: Buffer,
    _encoding: string,
    callback: (error?: Error | null) => void,
  ): void {
    if (this.#head === undefined) {
      this.#stream.write(chunk, (error) => callback(error));
      return;
    }
    const octets = this.#addToHead(this.#head, chunk);
    // Only the last three of the bytes of before can belong to the end.
    const end = octets.indexOf("\r\n\r\n", Math.max(0, octets.length - chunk.length - 3));
    if (end < 0 && octets.length <= responseSectionBytesMax) {
      callback();
      return;
    }
    const rest = octets.subarray(end + 4);
    const head = end < 0 ? undefined : parseHead(octets.toString("latin1", 0, end));
    this.#head = undefined;
    if (this.#stream.closed) {
      callback(new Error("the client left before it had an answer"));
      return;
    }
    if (head === undefined) {
      callback(new Error("the plugin's answer to the upgrade is no HTTP/1 response"));
      return;
    }
    this.#stream.respond(toHttp2Fields(head.fields, head.status === 101 ? 200 : head.status));
    if (rest.length === 0) {
      callback();
    } else {
      this.#stream.write(rest, (error) => callback(error));
    }
  }

  /** Returns all that has come of the head. The buffer doubles, so that small pieces cost no copies. */
  #addToHead(head: Buffer, chunk: Buffer): Buffer {
    const bytes = this.#headBytes + chunk.length;
    let room = head;
    if (bytes > head.length) {
      room = Buffer.allocUnsafe(2 * bytes);
      head.copy(room, 0, 0, this.#headBytes);
      this.#head = room;
    }
    chunk.copy(room, this.#headBytes);
    this.#headBytes = bytes;
    return room.subarray(0, bytes);
  }

  override _final(callback: () => void): void {
    if (this.#stream.headersSent) {
      this.#stream.end(() => callback());
    } else {
      this.#stream.close(constants.NGHTTP2_INTERNAL_ERROR);
      callback();
    }
  }

  override _destroy(error: Error | null, callback: (error: Error | null) => void): void {
    if (!this.#stream.closed) {
      const complete = this.readableEnded && this.writableFinished;
      this.#stream.close(complete ? constants.NGHTTP2_NO_ERROR : constants.NGHTTP2_INTERNAL_ERROR);
    }
    callback(error);
  }
}

/**
 * Status and fields of an HTTP/1 response head, without the fields that mean something on an HTTP/1
 * connection only.
 */
function parseHead(text: string): { status: number; fields: string[] } | undefined {
  const [statusLine = "", ...lines] = text.split("\r\n");
  const status = Number(/^HTTP\/1\.[01] (\d{3})(?: |$)/.exec(statusLine)?.[1]);
  if (!(status === 101 || (status >= 200 && status <= 599))) {
    return undefined;
  }
  const fields: string[] = [];
  for (const line of lines) {
    const colon = line.indexOf(":");
    const name = line.slice(0, colon);
    const value = trimFieldValue(line.slice(colon + 1));
    if (colon < 0 || !isToken(name) || !isFieldValue(value)) {
      return undefined;
    }
    const comparable = comparableName(name);
    if (!hopByHopNames.has(comparable) && comparable !== "sec-websocket-accept") {
      fields.push(name, value);
    }
  }
  return { status, fields };
}
