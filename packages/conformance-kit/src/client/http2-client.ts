import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  constants,
  type OutgoingHttpHeaders,
} from "node:http2";
import { connect as connectTcp } from "node:net";
import type { HttpClient, TestExchange, TestHead, TestRequest, Pairs } from "./http-client.js";
import { pairsOf } from "./http-client.js";
import { type ServerAddress, serverAddress } from "./server-address.js";
import { ChunkReader } from "./chunk-reader.js";
import { PacedWriter } from "./paced-writer.js";

/** An HTTP/2 client without TLS, on one connection. */
export class Http2Client implements HttpClient {
  readonly protocol = "HTTP/2.0";
  readonly session: ClientHttp2Session;

  /**
   * @param server - where it connects to, or the port of 127.0.0.1
   * @param localAddress - from which it connects. Default: the system chooses
   */
  constructor(server: ServerAddress | number, localAddress?: string) {
    const { host, port } = serverAddress(server);
    const from = localAddress !== undefined && { localAddress };
    const createConnection = () => connectTcp({ host, port, ...from });
    this.session = connect(`http://${host}:${port}`, { createConnection });
    // Each stream of a broken session fails by itself.
    this.session.on("error", () => undefined);
  }

  open(asked: TestRequest): TestExchange {
    return new Http2Exchange(this.session, asked);
  }

  [Symbol.dispose](): void {
    this.session.destroy();
  }
}

class Http2Exchange implements TestExchange {
  readonly head: Promise<TestHead>;
  readonly continued: Promise<void>;
  readonly informational: TestHead[] = [];

  readonly #stream: ClientHttp2Stream;
  readonly #reader: ChunkReader;
  readonly #writer: PacedWriter;
  #failed: Error | undefined;
  #trailers: Pairs = [];

  constructor(session: ClientHttp2Session, asked: TestRequest) {
    const trailers = asked.trailers;
    this.#stream = session.request(
      {
        ":method": asked.method ?? (asked.body === undefined ? "GET" : "POST"),
        ":path": asked.path,
        ...grouped(asked.headers ?? []),
        ...(asked.body instanceof Uint8Array && { "content-length": asked.body.byteLength }),
      },
      { endStream: asked.body === undefined, waitForTrailers: trailers !== undefined },
    );
    const stream = this.#stream;
    const { promise, resolve, reject } = Promise.withResolvers<TestHead>();
    this.head = promise;
    this.head.catch(() => undefined);
    const continued = Promise.withResolvers<void>();
    this.continued = continued.promise;
    this.continued.catch(() => undefined);
    stream.on("continue", continued.resolve);
    // Node passes the raw list as a third argument, which its type declarations don't have.
    stream.on("headers", (_headers: unknown, _flags: unknown, ...raw: unknown[]) => {
      this.informational.push(headOf(raw));
    });
    stream.on("response", (_headers: unknown, _flags: unknown, ...raw: unknown[]) => {
      resolve(headOf(raw));
    });
    stream.on("trailers", (_headers: unknown, _flags: unknown, ...raw: unknown[]) => {
      this.#trailers = headOf(raw).headers;
    });
    stream.on("error", (error) => {
      this.#failed = error;
      reject(error);
      continued.reject(error);
    });
    stream.on("close", () => {
      this.#failed ??= resetOf(stream) ?? new Error("the stream is over");
      reject(this.#failed);
      continued.reject(this.#failed);
    });
    if (trailers !== undefined) {
      stream.on("wantTrailers", () => {
        stream.sendTrailers(grouped(trailers));
      });
    }
    this.#reader = new ChunkReader(stream, () => resetOf(stream));
    this.#writer = new PacedWriter(stream, () => this.#failed);
    if (asked.body instanceof Uint8Array) {
      stream.end(asked.body);
    }
  }

  write(chunk: Uint8Array): Promise<void> {
    return this.#writer.write(chunk);
  }

  end(): void {
    this.#stream.end();
  }

  read(): Promise<Uint8Array | undefined> {
    return this.#reader.read();
  }

  rest(): Promise<Uint8Array> {
    return this.#reader.rest();
  }

  trailers(): Pairs {
    return this.#trailers;
  }

  sentBytes(): number {
    return this.#writer.sentBytes;
  }

  leave(): void {
    // `close()` would end the body before it resets, so that the upload was complete after all.
    this.#stream.destroy(new Error("the client left"));
  }
}

function resetOf(stream: ClientHttp2Stream): Error | undefined {
  const code = stream.rstCode ?? constants.NGHTTP2_NO_ERROR;
  return code === constants.NGHTTP2_NO_ERROR ? undefined : new Http2Reset(code);
}

/** The stream was reset with this code of RFC 9113, section 7. */
export class Http2Reset extends Error {
  readonly code: number;

  constructor(code: number) {
    super(`reset with code ${code}`);
    this.code = code;
  }
}

function headOf(raw: readonly unknown[]): TestHead {
  const pairs = pairsOf((raw[0] ?? []) as readonly string[]);
  const status = pairs.find(([name]) => name === ":status")?.[1];
  return {
    status: Number(status ?? 0),
    headers: pairs.filter(([name]) => !name.startsWith(":")),
  };
}

function grouped(pairs: Pairs): OutgoingHttpHeaders {
  const headers: Record<string, string | string[]> = {};
  for (const [name, value] of pairs) {
    const earlier = headers[name];
    headers[name] = earlier === undefined ? value : [earlier, value].flat();
  }
  return headers;
}
