import { STATUS_CODES } from "node:http";
import type { Socket } from "node:net";
import { type FieldList, memoOf, Room } from "@servehttp/contract";
import type { ClientResponse } from "../client/client-response.js";
import { destroySocket } from "../client/destroy-socket.js";
import { informationalHead } from "../client/informational-head.js";
import { joinedBytes } from "../client/joined-bytes.js";
import { joinedBytesMax, joinedText } from "../client/joined-text.js";
import type { ResponseHead } from "../edge/response-head.js";
import type { SocketIo } from "./socket-io.js";

/** What a response needs of the connection on which it goes out. */
export interface ResponseConnection {
  readonly io: SocketIo;
  /**
   * The fields that the server adds to a response: Date, unless it is `dated`, and those about the
   * connection. `early` where the answer comes early if the request is not whole by now.
   */
  ownFields(dated: boolean, early: boolean): string;
  /** The Date field that the server adds to a response. */
  dateField(): string;
  /** The response has been written to its end. */
  responded(): void;
  /** The request has its answer and is not whole: reads and drops the rest of it. */
  discardBody(): void;
  /**
   * Takes the socket away from the fast path, for a plugin that takes the connection over;
   * undefined where it is closed.
   */
  detach(): Socket | undefined;
}

/**
 * The response to a plain request. Writes, byte for byte, what `Http1Response` would have written
 * through Node's `ServerResponse`. Hot: the small GET of `apps/bench`.
 */
export class FastPathResponse implements ClientResponse {
  readonly #connection: ResponseConnection;
  readonly #isHead: boolean;
  /** A head that has begun and is not written yet. */
  #head = "";
  #chunked = false;
  /** Made for the first write that waits. */
  #room: Room | undefined;
  /** Whether a head has been settled. */
  answered = false;

  constructor(connection: ResponseConnection, isHead: boolean) {
    this.#connection = connection;
    this.#isHead = isHead;
  }

  get closed(): boolean {
    return this.#connection.io.socket.destroyed;
  }

  informational(status: number, fields: FieldList): void {
    // The client of a plain request does not wait for a 100.
    if (status !== 100) {
      this.#connection.io.write(informationalHead(status, fields));
    }
  }

  respond(head: ResponseHead, body: Uint8Array | undefined, trailers: FieldList): void {
    const payload = head.bodyAllowed ? body : undefined;
    if (trailers.length > 0 || head.announcesTrailers) {
      this.begin(head);
      if (payload !== undefined) {
        void this.write(payload);
      }
      this.end(trailers);
      return;
    }
    const length = head.bodyAllowed ? (payload?.length ?? 0) : undefined;
    const { bytes, text } = this.#wholeHead(head, length, true);
    const connection = this.#connection;
    if (payload === undefined) {
      connection.io.write(this.#chunked ? text + lastChunk : text);
    } else if (payload.length > joinedBytesMax) {
      connection.io.writeAround(text, payload, "");
    } else if (bytes === undefined) {
      connection.io.write(text + joinedText(payload));
    } else {
      connection.io.writeBytes(joinedBytes(bytes, payload));
    }
    connection.responded();
  }

  begin(head: ResponseHead): void {
    // A plugin that goes on reading hardly begins with a redirect or an error.
    this.#head = this.#wholeHead(head, undefined, head.status >= 300).text;
  }

  write(chunk: Uint8Array): void | Promise<void> {
    let front = this.#takeHead();
    let back = "";
    if (this.#chunked && chunk.length > 0) {
      front += `${chunk.length.toString(16)}\r\n`;
      back = "\r\n";
    }
    const { io } = this.#connection;
    io.corkForTurn();
    const hasRoom =
      chunk.length <= joinedBytesMax
        ? io.write(front + joinedText(chunk) + back)
        : io.writeAround(front, chunk, back);
    if (io.hasBodyRoom(chunk.length, hasRoom)) {
      return undefined;
    }
    this.#room ??= new Room();
    return this.#room.wait();
  }

  flush(): void {
    this.#connection.io.write(this.#takeHead());
  }

  end(trailers: FieldList): void {
    let text = this.#takeHead();
    if (this.#chunked) {
      text += "0\r\n";
      for (let index = 0; index < trailers.length; index += 2) {
        text += `${trailers[index]}: ${trailers[index + 1]}\r\n`;
      }
      text += "\r\n";
    }
    this.#connection.io.write(text);
    this.#connection.responded();
  }

  break(): void {
    destroySocket(this.#connection.io.socket, this.#chunked);
  }

  discardRequestBody(): void {
    this.#connection.discardBody();
  }

  hijack(): Socket | undefined {
    return this.#connection.detach();
  }

  release(): void {
    this.#room?.open();
  }

  #takeHead(): string {
    const head = this.#head;
    this.#head = "";
    return head;
  }

  /**
   * The head in the order in which Node writes it: the fields, Date, what the connection does, the
   * framing.
   */
  #wholeHead(head: ResponseHead, wholeLength: number | undefined, early: boolean): WholeHead {
    this.answered = true;
    const memo = memoOf(head.fields, head.memo);
    const written = (memo?.made as WrittenHead | undefined) ?? writeFront(head);
    const { dated } = written;
    const own =
      head.namesConnection !== true
        ? this.#connection.ownFields(dated, early)
        : dated
          ? ""
          : this.#connection.dateField();
    this.#chunked =
      wholeLength === undefined &&
      head.contentLength === undefined &&
      this.#mayHaveBody(head.status);
    if (written.text !== "" && written.own === own && written.wholeLength === wholeLength) {
      return written;
    }
    const length =
      wholeLength !== undefined && head.contentLength === undefined
        ? `Content-Length: ${wholeLength}\r\n`
        : "";
    const framing = this.#chunked ? "Transfer-Encoding: chunked\r\n\r\n" : "\r\n";
    const text = `${written.front}${length}${own}${framing}`;
    if (memo === undefined) {
      return { text, bytes: undefined };
    }
    // A string that was put together keeps its parts, which every write would join again.
    const bytes = Buffer.from(text, "latin1");
    const whole = { ...written, own, wholeLength, text: bytes.toString("latin1"), bytes };
    memo.made = whole satisfies WrittenHead;
    return whole;
  }

  /** Node frames every response that may have a body, a 205 among them. */
  #mayHaveBody(status: number): boolean {
    return !this.#isHead && status !== 204 && status !== 304;
  }
}

const lastChunk = "0\r\n\r\n";

/** A head as it goes out, its empty line included. */
interface WholeHead {
  readonly text: string;
  /** The same, where the head comes again and again. */
  readonly bytes: Buffer | undefined;
}

/** What has been written of a head, for the next one that is the same. */
interface WrittenHead extends WholeHead {
  /** The status line and the plugin's fields. */
  readonly front: string;
  /** The plugin's fields have a Date. */
  readonly dated: boolean;
  /** The fields of the server's and the length with which it was whole; its text is empty before. */
  readonly own: string;
  readonly wholeLength: number | undefined;
}

function writeFront({ fields, reason, status }: ResponseHead): WrittenHead {
  let front = `HTTP/1.1 ${status} ${reason ?? STATUS_CODES[status] ?? "unknown"}\r\n`;
  let dated = false;
  for (let index = 0; index < fields.length; index += 2) {
    const name = fields[index] as string;
    front += `${name}: ${fields[index + 1]}\r\n`;
    dated ||= name.length === 4 && name.toLowerCase() === "date";
  }
  return { front, dated, text: "", bytes: undefined, own: "", wholeLength: undefined };
}
