import { type CallOptions, type Client, Code, ConnectError } from "@connectrpc/connect";
import type { PluginService } from "@servehttp/contract/services";
import { until } from "@servehttp/testkit";
import { Pushed } from "./pushed.js";

/** The carriers by the names that hosts give them. */
export type CarrierName = "stream" | "mux";

type Sent<Rpc extends (messages: AsyncIterable<never>, options?: CallOptions) => unknown> =
  Parameters<Rpc>[0] extends AsyncIterable<infer Message> ? Message : never;
type RequestMessage = Sent<Client<typeof PluginService>["serveHTTP"]>;
type MuxMessage = Sent<Client<typeof PluginService>["serveHTTPMux"]>;

/** One exchange over an RPC of its own, whatever the carrier. */
export class StockExchange {
  /** The response's body so far. */
  body = "";
  status = 0;
  /** How it ended: "ended", a reset's code, or the RPC's status by name. */
  outcome: string | number | undefined;
  /** What the host was told where the RPC failed. */
  failure: string | undefined;
  isDraining = false;
  readonly #carrier: CarrierName;
  readonly #requests = new Pushed<RequestMessage>();
  readonly #batches = new Pushed<MuxMessage>();

  constructor(plugin: Client<typeof PluginService>, carrier: CarrierName, url: string) {
    this.#carrier = carrier;
    this.send({ init: { method: "POST", url, protocol: "HTTP/1.1", contentLength: -1n } });
    void (carrier === "stream" ? this.#readStream(plugin) : this.#readMux(plugin));
  }

  send(parts: RequestMessage): void {
    if (this.#carrier === "stream") {
      this.#requests.push(parts);
    } else {
      this.#batches.push({ frames: [{ exchangeId: 1n, parts }] });
    }
  }

  sendBody(text: string): void {
    this.send({ chunk: Buffer.from(text) });
  }

  /** The request is complete. */
  end(): void {
    this.send({ end: {} });
    this.#requests.end();
  }

  async untilBody(text: string): Promise<void> {
    await until(() => this.body === text || this.outcome !== undefined, `the body ${text}`);
  }

  async untilOver(): Promise<string | number> {
    await until(() => this.outcome !== undefined, "the end of the exchange");
    return this.outcome ?? "";
  }

  async #readStream(plugin: Client<typeof PluginService>): Promise<void> {
    try {
      for await (const parts of plugin.serveHTTP(this.#requests)) {
        this.#take(parts);
      }
      this.outcome ??= "cut off";
    } catch (error) {
      this.failure = ConnectError.from(error).message;
      this.outcome ??= Code[ConnectError.from(error).code];
    } finally {
      this.#requests.end();
    }
  }

  async #readMux(plugin: Client<typeof PluginService>): Promise<void> {
    try {
      for await (const { frames, draining } of plugin.serveHTTPMux(this.#batches)) {
        this.isDraining ||= draining;
        for (const { parts, reset } of frames) {
          if (parts !== undefined) {
            this.#take(parts);
          }
          this.outcome ??= reset?.code;
        }
        if (this.isDraining && this.outcome !== undefined) {
          this.#batches.end();
        }
      }
      this.outcome ??= "cut off";
    } catch (error) {
      this.failure = ConnectError.from(error).message;
      this.outcome ??= Code[ConnectError.from(error).code];
    } finally {
      this.#batches.end();
    }
  }

  #take(parts: ResponseMessage): void {
    this.status = parts.init?.status ?? this.status;
    this.body += Buffer.from(parts.chunk).toString();
    if (parts.end !== undefined) {
      this.outcome ??= "ended";
    }
  }
}

/** What is read of a response's message. */
interface ResponseMessage {
  readonly init?: { readonly status: number } | undefined;
  readonly chunk: Uint8Array;
  readonly end?: object | undefined;
}
