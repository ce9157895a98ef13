import { Agent, type ClientRequest, type IncomingMessage, request as httpRequest } from "node:http";
import type { HttpClient, TestExchange, TestHead, TestRequest, Pairs } from "./http-client.js";
import { pairsOf } from "./http-client.js";
import { type ServerAddress, serverAddress } from "./server-address.js";
import { ChunkReader } from "./chunk-reader.js";
import { PacedWriter } from "./paced-writer.js";

/** An HTTP/1.1 client on `node:http` that keeps its connections alive. */
export class Http1Client implements HttpClient {
  readonly protocol = "HTTP/1.1";
  readonly #server: ServerAddress;
  readonly #agent: Agent;

  /**
   * @param server - where it connects to, or the port of 127.0.0.1
   * @param localAddress - from which it connects. Default: the system chooses
   */
  constructor(server: ServerAddress | number, localAddress?: string) {
    this.#server = serverAddress(server);
    this.#agent = new Agent({
      keepAlive: true,
      ...(localAddress !== undefined && { localAddress }),
    });
  }

  open(asked: TestRequest): TestExchange {
    return new Http1Exchange(this.#server, this.#agent, asked);
  }

  [Symbol.dispose](): void {
    this.#agent.destroy();
  }
}

class Http1Exchange implements TestExchange {
  readonly head: Promise<TestHead>;
  readonly continued: Promise<void>;
  readonly informational: TestHead[] = [];

  readonly #request: ClientRequest;
  readonly #reader: Promise<ChunkReader>;
  readonly #trailers: Pairs;
  readonly #writer: PacedWriter;
  #message: IncomingMessage | undefined;
  #failed: Error | undefined;

  constructor({ host, port }: ServerAddress, agent: Agent, asked: TestRequest) {
    this.#trailers = asked.trailers ?? [];
    this.#request = httpRequest({
      host,
      port,
      agent,
      method: asked.method ?? (asked.body === undefined ? "GET" : "POST"),
      path: asked.path,
      headers: ["Host", `${host}:${port}`, ...framing(asked), ...(asked.headers ?? []).flat()],
    });
    this.#writer = new PacedWriter(this.#request, () => this.#failed);
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
    const continued = Promise.withResolvers<void>();
    this.continued = continued.promise;
    this.continued.catch(ignore);
    this.#request.on("continue", continued.resolve);
    this.#request.on("information", (info) => {
      this.informational.push({ status: info.statusCode, headers: pairsOf(info.rawHeaders) });
    });
    this.#request.on("response", (message) => {
      this.#message = message;
      resolve(message);
    });
    this.#request.on("error", (error) => {
      this.#failed = error;
      reject(error);
      continued.reject(error);
    });
    this.#request.on("close", () => {
      this.#failed ??= new Error("the request is over");
      reject(this.#failed);
      continued.reject(this.#failed);
    });
    this.#reader = promise.then(
      (message) =>
        new ChunkReader(message, () =>
          message.complete ? undefined : new Error("the response is incomplete"),
        ),
    );
    this.head = promise.then((message) => ({
      status: message.statusCode ?? 0,
      headers: pairsOf(message.rawHeaders),
    }));
    // A test that awaits them sees the failure. One that does not must not fail by it.
    this.head.catch(ignore);
    this.#reader.catch(ignore);
    if (asked.body === "stream") {
      this.#request.flushHeaders();
    } else {
      this.#request.end(asked.body);
    }
  }

  write(chunk: Uint8Array): Promise<void> {
    return this.#writer.write(chunk);
  }

  end(): void {
    if (this.#trailers.length > 0) {
      this.#request.addTrailers(
        this.#trailers.map(([name, value]): [string, string] => [name, value]),
      );
    }
    this.#request.end();
  }

  async read(): Promise<Uint8Array | undefined> {
    return (await this.#reader).read();
  }

  async rest(): Promise<Uint8Array> {
    return (await this.#reader).rest();
  }

  trailers(): Pairs {
    return pairsOf(this.#message?.rawTrailers ?? []);
  }

  sentBytes(): number {
    return this.#writer.sentBytes;
  }

  leave(): void {
    const socket = this.#request.socket;
    if (socket === null) {
      this.#request.destroy();
    } else {
      socket.resetAndDestroy();
    }
  }
}

function framing(asked: TestRequest): string[] {
  const names = new Set((asked.headers ?? []).map(([name]) => name.toLowerCase()));
  if (names.has("content-length") || names.has("transfer-encoding") || asked.body === undefined) {
    return asked.trailers === undefined ? [] : ["TE", "trailers"];
  }
  return asked.body === "stream"
    ? ["Transfer-Encoding", "chunked"]
    : ["Content-Length", String(asked.body.byteLength)];
}

function ignore(): void {
  // See the constructor.
}
