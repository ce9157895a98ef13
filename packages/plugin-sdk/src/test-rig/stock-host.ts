import { connect as connectNet } from "node:net";
import { connect as connectTls, type ConnectionOptions } from "node:tls";
import { type Client, createClient, type Interceptor } from "@connectrpc/connect";
import {
  createConnectTransport,
  createGrpcTransport,
  Http2SessionManager,
} from "@connectrpc/connect-node";
import { Health, PluginService } from "@servehttp/contract/services";
import { type CarrierName, StockExchange } from "./stock-exchange.js";

/** What a host shows of itself. */
export interface StockHostOptions {
  readonly token?: string | undefined;
  readonly tls?: ConnectionOptions;
  /** Default: gRPC. */
  readonly protocol?: "grpc" | "grpc-json" | "connect" | "connect-json";
}

/** A host made of connect-node alone: nothing of ours is between a test and the wire. */
export class StockHost implements Disposable {
  readonly plugin: Client<typeof PluginService>;
  readonly health: Client<typeof Health>;
  readonly #sessions: Http2SessionManager;

  constructor(address: string, options: StockHostOptions = {}) {
    const { tls, token } = options;
    const isUnix = address.startsWith("unix:");
    const baseUrl = `${tls === undefined ? "http" : "https"}://${isUnix ? "localhost" : address}`;
    const { hostname, port } = new URL(baseUrl);
    const to = { host: hostname.replace(/^\[(.*)\]$/, "$1"), port: Number(port) };
    this.#sessions = new Http2SessionManager(baseUrl, undefined, {
      createConnection: () => {
        if (isUnix) {
          return connectNet(address.slice("unix:".length));
        }
        return tls === undefined
          ? connectNet(to)
          : connectTls({ ...to, ALPNProtocols: ["h2"], ...tls });
      },
    });
    const showToken: Interceptor = (next) => (request) => {
      if (token !== undefined) {
        request.header.set("authorization", `Bearer ${token}`);
      }
      return next(request);
    };
    const { protocol = "grpc" } = options;
    const transportOptions = {
      baseUrl,
      sessionManager: this.#sessions,
      interceptors: [showToken],
      useBinaryFormat: !protocol.endsWith("json"),
    };
    const transport = protocol.startsWith("grpc")
      ? createGrpcTransport(transportOptions)
      : createConnectTransport({ ...transportOptions, httpVersion: "2" });
    this.plugin = createClient(PluginService, transport);
    this.health = createClient(Health, transport);
  }

  /** "idle" or "closed" where nothing runs. */
  get connectionState(): string {
    return this.#sessions.state();
  }

  /** Opens an exchange, with its request's head. */
  open(carrier: CarrierName, url = "/"): StockExchange {
    return new StockExchange(this.plugin, carrier, url);
  }

  [Symbol.dispose](): void {
    this.#sessions.abort();
  }
}
