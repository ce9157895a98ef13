import type { ServeHTTPError } from "@servehttp/contract";

/** The messages of a streaming RPC, as another RPC stack gives them. */
export interface RpcMessages {
  /** The host's direction, each message in protobuf's binary form. */
  readonly requests: AsyncIterable<Uint8Array>;
  /** Aborts when the RPC is over for whatever reason. */
  readonly signal: AbortSignal;
  /** What the reason of `signal` means once it has aborted; `client-disconnected` before. */
  reason(): ServeHTTPError;
  /** What it means that the stack or the reading of a message has thrown. */
  toError(thrown: unknown): ServeHTTPError;
}
