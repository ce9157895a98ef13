import type { Duplex } from "node:stream";
import {
  bodyChunkBytesMax,
  type End,
  type ErrorCode,
  type Logger,
  type PartReceiver,
  type RequestInit,
  type RequestParts,
  type ResponseInit,
  type ResponseParts,
  ServeHTTPError,
} from "@servehttp/contract";
import { type PluginHandler, toServeHTTP } from "../adapters/to-serve-http.js";
import { dispatchExchange } from "../exchange/dispatcher.js";
import { RunningHandlers } from "../exchange/running-handlers.js";
import { type HeaderList, headerListOf } from "../handler/header-list.js";
import type {
  CallMaker,
  PluginCallInit,
  PluginCallResponse,
  PluginCalls,
} from "../handler/plugin-calls.js";
import { type HeadersInput, readHeaders } from "../handler/read-headers.js";
import { tracingLoaded } from "../tracing/current-tracing.js";
import { MemoryChannel } from "./memory-channel.js";
import { MemoryResponseBody } from "./memory-response.js";
import { MemoryTunnel } from "./memory-tunnel.js";

/** A request to call a handler with. Each member has a default. */
export interface TestRequest {
  /** Default `"GET"`. */
  readonly method?: string;
  /** Path and query; default `"/"`. */
  readonly url?: string;
  /** Where clients find the plugin, such as `"/plugins/notes"`. Default `""`, at the root. */
  readonly basePath?: string;
  /** `url` begins with `basePath`, as with the host's option `path: "full"`. Default false. */
  readonly fullPath?: boolean;
  /** Default: `basePath` and `url`, or `url` alone with `fullPath`. */
  readonly requestUri?: string;
  /** Default none. */
  readonly headers?: HeadersInput;
  /**
   * Default none. An iterable (an async generator, a PassThrough that the test writes to) is a body
   * of unknown length. It is read as the handler reads; one that throws is an upload that was cut
   * off.
   */
  readonly body?: string | Uint8Array | AsyncIterable<Uint8Array>;
  /** Sent behind the body. Default none. */
  readonly trailers?: HeadersInput;
  /**
   * The declared length in bytes; -1 for one that is not known. Default: the length of a string or
   * of bytes, -1 for an iterable, 0 without a body.
   */
  readonly contentLength?: number;
  /** Default `"HTTP/1.1"`. */
  readonly protocol?: "HTTP/1.0" | "HTTP/1.1" | "HTTP/2.0";
  /** Default `"http"`. */
  readonly scheme?: "http" | "https";
  /** Default `"plugin.test"`. */
  readonly host?: string;
  /** Default `"192.0.2.1:50000"`. */
  readonly remoteAddress?: string;
  /** The id of the client's connection. Default: the host does not tell it. */
  readonly connectionId?: string;
  /** What the host knows of the client. Default nothing. */
  readonly context?: Readonly<Record<string, string>>;
  /** Default `"test"`. */
  readonly id?: string;
  /** Default none. Nothing happens when it has passed: call `abort("deadline")`. */
  readonly deadline?: Date;
  /**
   * The client waits for a 100 (Continue): the body comes when the handler asks for it. Default
   * false.
   */
  readonly expectContinue?: boolean;
  /** Whether the handler can take over the connection. Default false. */
  readonly hijackable?: boolean;
  /** The id of the plugin that makes the request by a call. Default: a client makes it. */
  readonly calledBy?: string;
  /** What the client sent behind its upgrade request. Default nothing. */
  readonly tunnelHead?: Uint8Array;
}

/** The response, as soon as its head is there. */
export interface TestResponse {
  readonly status: number;
  /**
   * The reason phrase that the handler has chosen; empty where it left the usual one of the status.
   */
  readonly reason: string;
  readonly headers: HeaderList;
  /**
   * The body, chunk by chunk. It can be read once. It throws the reason when the handler fails or
   * the exchange is given up. A test that does not read holds the handler back, once 256 KiB wait.
   */
  readonly body: AsyncIterable<Uint8Array>;
  /** The trailer section. It settles after the body. */
  readonly trailers: Promise<HeaderList>;
  /** Reads the whole body. */
  bytes(): Promise<Uint8Array>;
  /** Reads the whole body as UTF-8. */
  text(): Promise<string>;
  /** Reads the whole body and parses it as JSON. */
  json(): Promise<unknown>;
}

/** An informational response, such as 103 (Early Hints). */
export interface TestInformational {
  readonly status: number;
  readonly headers: HeaderList;
}

/** An exchange that a test started. */
export interface TestCall {
  /**
   * Rejects with a ServeHTTPError where a host would answer for the plugin: `handler-failed` is its
   * 500.
   */
  readonly response: Promise<TestResponse>;
  /** The informational responses so far. */
  readonly informational: readonly TestInformational[];
  /** The milliseconds of every extension for which the handler has asked. */
  readonly headExtensionsMs: readonly number[];
  /** How often the handler has flushed. */
  readonly flushCount: number;
  /** The client's end of the connection, once the handler has taken over the connection. */
  readonly tunnel: Promise<Duplex>;
  /** Gives up the exchange as a host would. Default: `"client-disconnected"`. */
  abort(code?: ErrorCode): void;
}

/** What a call may be given beside its request. */
export interface TestOptions {
  /** Where warnings and errors go. Default: `false`, nowhere. */
  readonly logger?: Logger | false;
  /**
   * Answers the handler's calls to other plugins. Default: they are refused, as for a plugin that
   * may call none.
   */
  readonly plugins?: {
    fetch(id: string, path: string, init: PluginCallInit): Response | Promise<Response>;
  };
}

/**
 * Calls a handler in memory: no process, no socket, the same code as in a plugin.
 *
 * @throws ServeHTTPError `invalid-argument` for a handler that is none, or a header that HTTP does
 *   not allow.
 */
export function callHandler(
  handler: PluginHandler,
  request: TestRequest = {},
  options: TestOptions = {},
): TestCall {
  const calls = options.plugins === undefined ? undefined : memoryCalls(options.plugins);
  return new MemoryCall(handler, request, options.logger || silent, calls);
}

class MemoryCall implements TestCall {
  readonly informational: TestInformational[] = [];
  readonly headExtensionsMs: number[] = [];
  flushCount = 0;
  readonly #response = Promise.withResolvers<TestResponse>();
  readonly #tunnel = Promise.withResolvers<Duplex>();
  readonly #body = new MemoryResponseBody();
  readonly #channel: MemoryChannel;
  readonly #receiver: PartReceiver<RequestParts>;
  readonly #continue = Promise.withResolvers<void>();
  #memoryTunnel: MemoryTunnel | undefined;
  // Parts are received one after the other.
  #delivered: Promise<void> = Promise.resolve();

  constructor(
    handler: PluginHandler,
    request: TestRequest,
    logger: Logger,
    calls: CallMaker | undefined,
  ) {
    // A test may wait for one of them only.
    this.#response.promise.catch(ignore);
    this.#tunnel.promise.catch(ignore);
    this.#channel = new MemoryChannel({
      onParts: (parts) => this.#receive(parts),
      onReset: (error) => this.#giveUp(error),
    });
    const running = new RunningHandlers();
    const shared = { logger, running, calls };
    this.#receiver = dispatchExchange(this.#channel, toServeHTTP(handler), shared);
    // Here, so that a request that can't be made throws in the test itself.
    const init = toInit(request);
    void this.#feed(init, { trailers: readHeaders(request.trailers ?? []) }, request.body);
  }

  get response(): Promise<TestResponse> {
    return this.#response.promise;
  }

  get tunnel(): Promise<Duplex> {
    return this.#tunnel.promise;
  }

  abort(code: ErrorCode = "client-disconnected"): void {
    const error = new ServeHTTPError(code, `the test gave up the exchange: ${code}`);
    this.#channel.abort(this.#receiver, error);
    this.#giveUp(error);
  }

  async #feed(init: RequestInit, end: End, body: TestRequest["body"]): Promise<void> {
    const loaded = tracingLoaded();
    if (loaded !== undefined) {
      await loaded;
    }
    if (body === undefined) {
      await this.#deliver({ init, end });
      return;
    }
    const delivered = this.#deliver({ init });
    if (init.expectContinue) {
      await this.#continue.promise;
    }
    await delivered;
    try {
      for await (const chunk of typeof body === "string" ? [Buffer.from(body)] : toIterable(body)) {
        for (let at = 0; at < chunk.length && !this.#channel.isOver; at += bodyChunkBytesMax) {
          // oxlint-disable-next-line no-await-in-loop -- at the pace of the handler
          await this.#deliver({ chunk: chunk.subarray(at, at + bodyChunkBytesMax) });
        }
        if (this.#channel.isOver) {
          return;
        }
      }
      await this.#deliver({ end });
    } catch {
      // A body that throws is an upload that was cut off.
      this.abort("client-disconnected");
    }
  }

  #deliver(parts: RequestParts): Promise<void> {
    const receive = async (): Promise<void> => {
      if (!this.#channel.isOver || this.#memoryTunnel !== undefined) {
        await this.#receiver.receive(parts);
      }
    };
    this.#delivered = this.#delivered.then(receive);
    return this.#delivered;
  }

  #receive(parts: ResponseParts): void | Promise<void> {
    for (const { status, headers } of parts.informational ?? []) {
      this.informational.push({ status, headers: headerListOf(headers) });
      if (status === 100) {
        this.#continue.resolve();
      }
    }
    if (parts.extendHeadMs !== undefined) {
      this.headExtensionsMs.push(parts.extendHeadMs);
    }
    if (parts.init !== undefined) {
      this.#response.resolve(toResponse(parts.init, this.#body));
    }
    if (parts.flush === true) {
      this.flushCount += 1;
    }
    if (parts.hijack === true) {
      this.#openTunnel();
    }
    return this.#memoryTunnel?.receive(parts) ?? this.#body.receive(parts);
  }

  #openTunnel(): void {
    this.#memoryTunnel = new MemoryTunnel({
      deliver: (parts) => this.#deliver(parts),
      leave: () => this.abort("client-disconnected"),
    });
    this.#tunnel.resolve(this.#memoryTunnel);
  }

  #giveUp(error: ServeHTTPError): void {
    this.#response.reject(error);
    this.#tunnel.reject(error);
    this.#continue.resolve();
    this.#body.cut(error);
    if (error.code !== "request-not-needed") {
      this.#memoryTunnel?.destroy();
    } else {
      this.#memoryTunnel?.end();
    }
  }
}

/** Calls that a test answers. A Response of its own has no trailers. */
function memoryCalls(plugins: NonNullable<TestOptions["plugins"]>): CallMaker {
  const fetch: PluginCalls["fetch"] = async (id, path, init = {}) => {
    const response = await plugins.fetch(id, path, init);
    const trailers = Promise.resolve(headerListOf([]));
    return "trailers" in response
      ? (response as PluginCallResponse)
      : (Object.defineProperty(response, "trailers", { value: trailers }) as PluginCallResponse);
  };
  return { within: () => ({ fetch }) };
}

function toInit(request: TestRequest): RequestInit {
  const { body, protocol = "HTTP/1.1", tunnelHead } = request;
  const { basePath = "", fullPath = false, url = "/" } = request;
  const length = typeof body === "string" ? Buffer.byteLength(body) : lengthOf(body);
  const init: RequestInit = {
    method: request.method ?? "GET",
    url,
    requestUri: request.requestUri ?? (fullPath ? url : basePath + url),
    basePath,
    fullPath,
    protocol,
    protocolMajor: Number(protocol.charAt(5)),
    protocolMinor: Number(protocol.charAt(7)),
    host: request.host ?? "plugin.test",
    remoteAddress: request.remoteAddress ?? "192.0.2.1:50000",
    headers: declaresEmptyBody(request, length)
      ? [...readHeaders(request.headers ?? []), "Content-Length", "0"]
      : readHeaders(request.headers ?? []),
    contentLength: request.contentLength ?? length,
    deadlineUnixMs: request.deadline?.getTime() ?? 0,
    requestId: request.id ?? "test",
    context: request.context ?? {},
    scheme: request.scheme ?? "http",
    expectContinue: request.expectContinue ?? false,
    hijackable: request.hijackable ?? false,
  };
  return {
    ...init,
    ...(tunnelHead !== undefined && { tunnelHead }),
    ...(request.calledBy !== undefined && { calledBy: request.calledBy }),
    clientConnectionId: request.connectionId,
  };
}

/**
 * Whether a client says that the body is empty: as fetch does, with POST and PUT, or with an empty
 * body.
 */
function declaresEmptyBody({ body, method }: TestRequest, length: number): boolean {
  return length === 0 && (body !== undefined || method === "POST" || method === "PUT");
}

function lengthOf(body: Uint8Array | AsyncIterable<Uint8Array> | undefined): number {
  if (body === undefined) {
    return 0;
  }
  return body instanceof Uint8Array ? body.length : -1;
}

function toIterable(
  body: Uint8Array | AsyncIterable<Uint8Array>,
): AsyncIterable<Uint8Array> | Iterable<Uint8Array> {
  return body instanceof Uint8Array ? [body] : body;
}

function toResponse(init: ResponseInit, body: MemoryResponseBody): TestResponse {
  const bytes = async (): Promise<Uint8Array> => {
    const chunks: Uint8Array[] = [];
    for await (const chunk of body.reader) {
      chunks.push(chunk);
    }
    return Buffer.concat(chunks);
  };
  const text = async (): Promise<string> => new TextDecoder().decode(await bytes());
  return {
    status: init.status,
    reason: init.reason ?? "",
    headers: headerListOf(init.headers),
    body: body.reader,
    get trailers() {
      return body.reader.trailers;
    },
    bytes,
    text,
    json: async () => JSON.parse(await text()) as unknown,
  };
}

const silent: Logger = { warn: ignore, error: ignore };

function ignore(): void {
  // See its uses.
}
