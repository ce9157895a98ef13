import type { Duplex } from "node:stream";
import type { FieldList } from "@servehttp/contract";
import type { ResponseHead } from "../edge/response-head.js";

/**
 * The HTTP client as an exchange sees it: where the response goes, whatever version of HTTP carries it.
 *
 * Nothing here throws for what a plugin sent: heads and fields have been checked before.
 */
export interface ClientResponse {
  /** The client's connection, or its HTTP/2 stream, is closed: nothing more can be written. */
  readonly gone: boolean;

  /** Sends an interim response. */
  informational(status: number, fields: FieldList): void;

  /** Sends a whole response at once; `trailers` may be empty. */
  respond(head: ResponseHead, body: Uint8Array | undefined, trailers: FieldList): void;

  /** Begins a response. The head goes out with the first chunk, with `flush` or with the end. */
  begin(head: ResponseHead): void;

  /** Sends bytes of the body. A promise settles when there is room again, or the client is gone. */
  write(chunk: Uint8Array): void | Promise<void>;

  /** Sends what has been written so far, the head at least. */
  flush(): void;

  /** Ends the response as complete. */
  end(trailers: FieldList): void;

  /** Ends the response so that nobody can take it for complete. */
  break(): void;

  /**
   * Called when the response is complete while the request is not: what is still read of it is `discard`ed up to a
   * bound, then the connection, or the HTTP/2 stream, closes.
   */
  discardRequestBody(): void;

  /**
   * Hands the connection over, byte for byte, with nothing written yet. Undefined where it is gone. Only where the request was
   * `hijackable`.
   */
  hijack(): Duplex | undefined;

  /** Whoever waits for room goes on; the client is gone. */
  release(): void;
}
