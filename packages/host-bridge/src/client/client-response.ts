import type { Duplex } from "node:stream";
import type { FieldList } from "@servehttp/contract";
import type { ResponseHead } from "../edge/response-head.js";

/**
 * The response to a client, whatever version of HTTP carries it. An exchange writes to it.
 *
 * Nothing here throws because of what a plugin sent: heads and fields have been checked before.
 */
export interface ClientResponse {
  /** The client's connection, or its HTTP/2 stream, is closed: nothing more can be written. */
  readonly closed: boolean;

  /** Sends an interim response. */
  informational(status: number, fields: FieldList): void;

  /** Sends a whole response at once; `trailers` may be empty. */
  respond(head: ResponseHead, body: Uint8Array | undefined, trailers: FieldList): void;

  /** Begins a response. The head goes out with the first chunk, with `flush` or with the end. */
  begin(head: ResponseHead): void;

  /**
   * Sends bytes of the body. A promise settles when there is room again, or the client has left.
   */
  write(chunk: Uint8Array): void | Promise<void>;

  /** Sends what has been written so far, the head at least. */
  flush(): void;

  /** Ends the response as complete. */
  end(trailers: FieldList): void;

  /** Ends the response so that no client takes it for complete. */
  break(): void;

  /**
   * Reads and drops the rest of the request, up to a bound. Beyond the bound the connection, or the
   * HTTP/2 stream, closes. Called when the response is complete and the request is not.
   */
  discardRequestBody(): void;

  /**
   * Takes the connection away from HTTP, before anything of a response is written. Undefined where
   * the connection is closed. Called only where the request was `hijackable`.
   */
  hijack(): Duplex | undefined;

  /** Settles what `write` has returned: nobody needs to wait for room any more. */
  release(): void;
}
