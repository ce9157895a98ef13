import { Agent } from "node:http";
import type { ListenAddress } from "@servehttp/carrier";
import type { ServeHTTPError } from "@servehttp/contract";
import type {
  CallingExchange,
  CallMaker,
  PluginCallInit,
  PluginCallResponse,
  PluginCalls,
} from "../handler/plugin-calls.js";
import { freeCallConnectionsMax } from "../limits.js";
import { beginCallSpan } from "../tracing/call-span.js";
import { currentTracing } from "../tracing/current-tracing.js";
import { fieldValue } from "../tracing/field-carrier.js";
import { callHead } from "./call-head.js";
import { SentCall } from "./sent-call.js";

/** Calls other plugins through the host, over plain HTTP/1.1 (plugin.proto, "Calls"). */
export class HostCalls implements CallMaker {
  readonly #address: ListenAddress;
  readonly #token: string;
  /** A free connection does not keep the process alive. */
  readonly #agent = new Agent({ keepAlive: true, maxFreeSockets: freeCallConnectionsMax });

  readonly #closed = new AbortController();

  constructor(address: ListenAddress, token: string) {
    this.#address = address;
    this.#token = token;
  }

  /** Cancels the calls that run, and closes all connections. Later calls reject. */
  close(reason: ServeHTTPError): void {
    this.#closed.abort(reason);
    this.#agent.destroy();
  }

  within(exchange: CallingExchange | undefined): PluginCalls {
    return { fetch: (id, path, init = {}) => this.#fetch(id, path, init, exchange) };
  }

  async #fetch(
    id: string,
    path: string,
    init: PluginCallInit,
    exchange: CallingExchange | undefined,
  ): Promise<PluginCallResponse> {
    const signals = [this.#closed.signal, init.signal, exchange?.signal].filter(
      (signal) => signal !== undefined && signal !== null,
    );
    for (const signal of signals) {
      signal.throwIfAborted();
    }
    const head = callHead(id, path, init, this.#token, exchange);
    const tracing = currentTracing();
    // A call that says itself which trace it belongs to is let alone.
    const span =
      tracing === undefined || fieldValue(head.fields, "traceparent") !== undefined
        ? undefined
        : beginCallSpan(tracing, { ...head, pluginId: id }, exchange?.traceContext);
    return await new SentCall(this.#address, this.#agent, head, signals, span).response;
  }
}
