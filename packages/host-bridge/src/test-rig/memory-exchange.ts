import { type Duplex, PassThrough } from "node:stream";
import type {
  ExchangeChannel,
  FieldList,
  PartReceiver,
  RequestInit,
  RequestParts,
  ResponseParts,
  ServeHTTPError,
} from "@servehttp/contract";
import type { ClientResponse } from "../client/client-response.js";
import type { HostRequest } from "../client/node-types.js";
import { EdgePolicy } from "../edge/edge-policy.js";
import { Exchange, type ExchangePlugin, type GivenBack, type GoOn } from "../exchange/exchange.js";
import type { ExchangeTimes } from "../exchange/exchange-timer.js";
import type { WatchedRequest } from "../observation/watched-request.js";
import type { Outcome } from "../observation/outcome.js";
import { NodeBody } from "../node/request-body.js";
import type { ResponseHead } from "../edge/response-head.js";

/** A response that records what is done with it. */
export class MemoryResponse implements ClientResponse {
  closed = false;
  /** What was done, in order. */
  readonly log: string[] = [];
  /** Set, `write` waits for it. */
  room: PromiseWithResolvers<void> | undefined;
  /** Handed over by `hijack`. */
  socket: Duplex | undefined;
  /** Thrown by `respond` and `begin`. */
  thrown: Error | undefined;

  informational(status: number, fields: FieldList): void {
    this.log.push(["informational", status, ...fields].join(" "));
  }

  respond(head: ResponseHead, body: Uint8Array | undefined, trailers: FieldList): void {
    this.#throw();
    const text = body === undefined || !head.bodyAllowed ? "" : Buffer.from(body).toString();
    this.log.push(["respond", head.status, JSON.stringify(text), ...trailers].join(" "));
  }

  begin(head: ResponseHead): void {
    this.#throw();
    this.log.push(`begin ${head.status}`);
  }

  write(chunk: Uint8Array): void | Promise<void> {
    this.log.push(`write ${JSON.stringify(Buffer.from(chunk).toString())}`);
    return this.room?.promise;
  }

  flush(): void {
    this.log.push("flush");
  }

  end(trailers: FieldList): void {
    this.log.push(["end", ...trailers].join(" "));
  }

  break(): void {
    this.log.push("break");
  }

  discardRequestBody(): void {
    this.log.push("discardRequestBody");
  }

  hijack(): Duplex | undefined {
    this.log.push("hijack");
    return this.socket;
  }

  release(): void {
    this.room?.resolve();
  }

  #throw(): void {
    if (this.thrown !== undefined) {
      throw this.thrown;
    }
  }
}

/** A channel to no plugin, which records what is sent. */
export class MemoryChannel implements ExchangeChannel<RequestParts> {
  readonly sent: RequestParts[] = [];
  /** The codes of resets. */
  readonly resets: string[] = [];
  /** Set, `send` waits for it. */
  room: PromiseWithResolvers<void> | undefined;

  send(parts: RequestParts): void | Promise<void> {
    this.sent.push(parts);
    return this.room?.promise;
  }

  reset(error: ServeHTTPError): void {
    this.resets.push(error.code);
  }

  /** The body and what else of tunnel bytes were sent, as text. */
  get text(): string {
    const chunks = this.sent.map(({ chunk, tunnelChunk }) => chunk ?? tunnelChunk);
    return Buffer.concat(chunks.filter((chunk) => chunk !== undefined)).toString();
  }
}

export interface MemoryExchangeOptions {
  readonly init?: Partial<RequestInit>;
  readonly times?: ExchangeTimes;
  readonly chunkBytes?: number;
  readonly mayTunnel?: boolean;
  readonly observed?: WatchedRequest;
}

/** An exchange between a client and a plugin that are both the test's. */
export class MemoryExchange {
  readonly response = new MemoryResponse();
  readonly channel = new MemoryChannel();
  /** The client's body, where the request has one. */
  readonly body = new PassThrough();
  readonly plugin: ExchangePlugin;
  readonly exchange: Exchange;
  readonly over: { outcome: Outcome; code: string | undefined }[] = [];
  begun = 0;
  /** When final heads came, counted from the beginning. */
  readonly headsMs: number[] = [];
  tunnels = 0;
  stalls = 0;
  /** There while the exchange waits for another plugin. */
  goOn: GoOn | undefined;
  /** Why it was given back, each time. */
  readonly givenBack: GivenBack[] = [];

  constructor(options: MemoryExchangeOptions = {}) {
    const init: RequestInit = {
      method: "GET",
      url: "/",
      requestUri: "/plugins/notes/",
      basePath: "/plugins/notes",
      fullPath: false,
      protocol: "HTTP/1.1",
      protocolMajor: 1,
      protocolMinor: 1,
      host: "a",
      remoteAddress: "",
      headers: [],
      contentLength: 0,
      deadlineUnixMs: 0,
      requestId: "1",
      context: {},
      scheme: "http",
      expectContinue: false,
      hijackable: true,
      ...options.init,
    };
    this.plugin = {
      openExchange: (_receiver: PartReceiver<ResponseParts>) => this.channel,
      chunkBytes: options.chunkBytes ?? 65_536,
      times: options.times ?? { headMs: 0, idleMs: 0, totalMs: 0 },
      mayTunnel: options.mayTunnel ?? true,
      onBegun: () => void (this.begun += 1),
      onHead: (_, __, elapsedMs) => void this.headsMs.push(elapsedMs),
      onEventStream: () => undefined,
      bindsClients: false,
      instanceCookie: undefined,
      onStall: () => void (this.stalls += 1),
      onTunnel: () => void (this.tunnels += 1),
      giveBack: (_exchange, why, goOn) => {
        this.givenBack.push(why);
        this.goOn = goOn;
        return () => (this.goOn = undefined);
      },
      onOver: (_exchange, outcome, error) => void this.over.push({ outcome, code: error?.code }),
    };
    const edge = new EdgePolicy();
    const request = Object.assign(this.body, {
      httpVersionMajor: 1,
      headers: {},
      rawTrailers: [],
    });
    this.exchange = new Exchange(this.plugin, {
      observed: options.observed,
      response: options.observed?.open(this.response) ?? this.response,
      init,
      body: init.contentLength === 0 ? undefined : new NodeBody(request as unknown as HostRequest),
      rules: {
        method: init.method,
        versionMajor: init.protocolMajor,
        versionMinor: init.protocolMinor,
        policy: edge,
        redirects: undefined,
      },
      edge,
    });
  }
}
