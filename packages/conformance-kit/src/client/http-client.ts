/** Header fields as a client writes and reads them: pairs of name and value, bytes as Latin-1. */
export type Pairs = readonly (readonly [string, string])[];

/** A request of a client. */
export interface TestRequest {
  readonly method?: string;
  readonly path: string;
  readonly headers?: Pairs;
  /** The whole body, or `"stream"` to write it piece by piece. Default: none. */
  readonly body?: Uint8Array | "stream";
  /** Request trailers, sent at the end of a streamed body. */
  readonly trailers?: Pairs;
}

/** The head of a response as it came. */
export interface TestHead {
  readonly status: number;
  readonly headers: Pairs;
}

/** A whole response. */
export interface TestResponse extends TestHead {
  readonly body: Uint8Array;
  readonly trailers: Pairs;
}

/** One request with its response, both directions open at once. */
export interface TestExchange {
  /** Writes some of the body; settles when there is room. */
  write(chunk: Uint8Array): Promise<void>;
  /** Ends the body, with the trailers of the request. */
  end(): void;
  /** The final head; rejects when the exchange breaks before it. */
  readonly head: Promise<TestHead>;
  /** Settles when a 100 (Continue) came; rejects when the exchange is over without one. */
  readonly continued: Promise<void>;
  /** Interim responses so far. */
  readonly informational: readonly TestHead[];
  /** The next bytes of the body; undefined at a clean end; rejects when the transfer is broken. */
  read(): Promise<Uint8Array | undefined>;
  /** Reads the rest. */
  rest(): Promise<Uint8Array>;
  /** The response's trailers; complete after the body. */
  trailers(): Pairs;
  /** Bytes of the request's body that left this process's buffers so far. */
  sentBytes(): number;
  /** Leaves at once: resets the connection (HTTP/1.1) or the stream (HTTP/2). */
  leave(): void;
}

/** A client of one protocol version, with connections of its own. */
export interface HttpClient extends Disposable {
  readonly protocol: "HTTP/1.1" | "HTTP/2.0";
  /** Starts a request. */
  open(request: TestRequest): TestExchange;
}

/** Sends a request and reads the whole response. */
export async function call(client: HttpClient, request: TestRequest): Promise<TestResponse> {
  const exchange = client.open(request);
  const head = await exchange.head;
  const body = await exchange.rest();
  return { ...head, body, trailers: exchange.trailers() };
}

/** The values of a field, in order. */
export function valuesOf(headers: Pairs, name: string): readonly string[] {
  return headers.filter(([key]) => key.toLowerCase() === name).map(([, value]) => value);
}

/** The pairs of a flat list. */
export function pairsOf(flat: readonly string[]): Pairs {
  const pairs: (readonly [string, string])[] = [];
  for (let at = 0; at + 1 < flat.length; at += 2) {
    pairs.push([flat[at] ?? "", flat[at + 1] ?? ""]);
  }
  return pairs;
}
