import type { ServeHTTPError } from "@servehttp/contract";
import type { HeaderFields } from "../wire/header-fields.js";

/**
 * One end of a streaming RPC, as bytes: all that mux needs of HTTP/2, whichever implementation
 * speaks it.
 */
export interface RpcStream {
  /** How many bytes each message leaves free at its beginning, for the stream to fill in. */
  readonly headroomBytes: number;

  /** Sets the listener. Called once, before anything else. */
  listen(listener: RpcListener): void;

  /**
   * Writes the segments of a message. `onWritten` is called when there is room for the next one,
   * and never where the stream closes before. At the host's end, nothing needs the segments then.
   */
  write(segments: Buffer[], onWritten: () => void): void;

  /**
   * Ends what this end sends, after everything written. The plugin's end sends these trailers, the
   * host's none.
   */
  end(trailers?: HeaderFields): void;

  /** Gives both directions up, so that the other end can't take them for complete. */
  cancel(): void;
}

/** What an `RpcStream` tells its listener. */
export interface RpcListener {
  /** Called at the host: the head of the response. */
  receiveHead(fields: HeaderFields): void;
  receiveData(octets: Buffer): void;
  /**
   * The other end sends nothing more. At the host, with the trailers, empty where there are none.
   */
  receiveEnd(trailers: HeaderFields): void;
  /** The other end takes no more RPCs: a GOAWAY has come. */
  receiveGoaway(): void;
  /**
   * Nothing more is sent or received. This is the last call. The error says what failed, if
   * anything did.
   */
  closed(error: ServeHTTPError | undefined): void;
}
