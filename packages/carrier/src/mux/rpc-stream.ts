import type { ServeHTTPError } from "@servehttp/contract";
import type { HeaderFields } from "../wire/header-fields.js";

/** One end of a streaming RPC, as bytes: what mux needs of HTTP/2, whoever speaks it. */
export interface RpcStream {
  /** So many bytes in front of each message are the stream's to fill in. */
  readonly headroomBytes: number;

  /** Says who listens. Called once, before anything else. */
  listen(listener: RpcListener): void;

  /**
   * Writes the segments of a message. `onWritten` is called when there is room for the next one; it is never called where the
   * stream closes before.
   */
  write(segments: Buffer[], onWritten: () => void): void;

  /** Ends this end's way behind everything written: the host's bare, the plugin's with these trailers. */
  end(trailers?: HeaderFields): void;

  /** Gives both ways up, so that the other side can't take them for complete. */
  cancel(): void;
}

/** What an `RpcStream` tells. */
export interface RpcListener {
  /** To the host: the head of the response. */
  receiveHead(fields: HeaderFields): void;
  receiveData(octets: Buffer): void;
  /** The other side has ended its way; to the host with its trailers, empty where there were none. */
  receiveEnd(trailers: HeaderFields): void;
  /** The other side is going: it takes no more RPCs. */
  receiveGoaway(): void;
  /** Nothing goes either way any more. The last call; the error says why where something failed. */
  closed(error: ServeHTTPError | undefined): void;
}
