import type { Duplex } from "node:stream";

/**
 * What a behaviour's handler gets. These are the public types of `@servehttp/plugin-sdk`, written
 * down again on purpose: the direct target runs the same handlers without the SDK, and a change of
 * the SDK's public types fails to compile here.
 */

/** Header or trailer fields: case-insensitive, several values a name, order kept. */
export interface Fields extends Iterable<[string, string]> {
  get(name: string): string | undefined;
  getAll(name: string): readonly string[];
  set(name: string, value: string): void;
  append(name: string, value: string): void;
  delete(name: string): void;
  has(name: string): boolean;
}

/** Fields that can only be read. */
export type ReadonlyFields = Pick<Fields, "get" | "getAll" | "has" | typeof Symbol.iterator>;

/** A request as a handler sees it. */
export interface HandlerRequest {
  readonly method: string;
  readonly url: string;
  readonly basePath: string;
  readonly requestUri: string;
  readonly protocol: string;
  readonly host: string;
  readonly scheme: "http" | "https";
  readonly remoteAddress: string;
  readonly headers: ReadonlyFields;
  readonly contentLength: number | undefined;
  readonly body: AsyncIterable<Uint8Array>;
  readonly trailers: Promise<ReadonlyFields>;
  readonly signal: AbortSignal;
  readonly deadline: Date | undefined;
  readonly id: string;
}

/** The client's connection, taken over by a handler. */
export interface HandlerConnection {
  readonly socket: Duplex;
  readonly head: Buffer;
}

/** Where a handler writes its response. */
export interface HandlerResponse {
  readonly headers: Fields;
  readonly trailers: Fields;
  readonly committed: boolean;
  writeHead(status: number): void;
  write(chunk: Uint8Array | string): Promise<void>;
  flush(): Promise<void>;
  informational(status: number, fields: readonly (readonly [string, string])[]): Promise<void>;
  end(chunk?: Uint8Array | string): Promise<void>;
  hijack(): Promise<HandlerConnection>;
}

/** How a handler tells the test what it saw, and waits until the test says go on. */
export interface Observe {
  /** Reports an event of this exchange. `detail` must survive JSON. */
  event(name: string, detail?: unknown): void;
  /** Waits until the test opens the gate of that name for this exchange. */
  gate(name: string): Promise<void>;
}

/** A behaviour's handler. */
export type Handler = (
  request: HandlerRequest,
  response: HandlerResponse,
  observe: Observe,
) => void | Promise<void>;
