/**
 * What the bench's handler knows of a request and its response, so that one and the same handler
 * runs behind every peer. Whatever serves it (`node:http`, the plugin SDK, a naive RPC) adapts to
 * this in a few lines.
 */
export interface BenchExchange {
  readonly method: string;
  /** Path and query. */
  readonly url: string;
  /** The request's body, to be read once. */
  readonly body: AsyncIterable<Uint8Array>;
  head(status: number, fields: ReadonlyArray<readonly [string, string]>): void;
  /**
   * Returns a promise where there is no room: it settles when there is, or when the client has
   * left.
   */
  write(chunk: Uint8Array): Promise<unknown> | undefined;
  end(chunk?: Uint8Array): Promise<unknown> | undefined;
  /** Calls back once, when the response can take nothing more: it ended, or the client left. */
  onClose(listener: () => void): void;
}
