import type { RequestInit } from "@servehttp/contract";
import type { RequestSender } from "./request-sender.js";
import type { Tunnel } from "./tunnel.js";

/**
 * Where an exchange stands. `"unanswered"`: the plugin has sent no head. `"headed"`: its head has
 * come, and nothing has gone to the client. `"responding"`: the head has gone out. `"tunnel"`: the
 * plugin took the client's connection over.
 */
export type OpenExchangeState = "unanswered" | "headed" | "responding" | "tunnel";

/**
 * Whom an exchange waits for. `"client-to-read"`: bytes of the plugin wait for the client.
 * `"plugin-to-read"`: bytes of the client wait for the plugin, which has given no more credit.
 * `"client-to-send"`: the body of the request has not come whole. `"plugin-to-write"`: the plugin has
 * everything, and its next bytes have not come.
 */
export type ExchangeWait =
  | "client-to-read"
  | "plugin-to-read"
  | "client-to-send"
  | "plugin-to-write";

/** An exchange with a plugin that is open now, as it was when somebody looked. */
export interface OpenExchange {
  /** The request's id. */
  readonly id: string;
  /** The plugin's id. */
  readonly plugin: string;
  readonly method: string;
  /** As the plugin sees it, without the query. */
  readonly path: string;
  /** `"ip:port"` of the client, as the plugin sees it; may be empty. */
  readonly remoteAddress: string;
  readonly startedAt: Date;
  readonly ageMs: number;
  readonly state: OpenExchangeState;
  /** Of the response; undefined before its head. */
  readonly status: number | undefined;
  /** Bytes of the request's body, or of the tunnel, that went to the plugin. */
  readonly requestBytes: number;
  /** Bytes of the response's body, or of the tunnel, that came from the plugin. */
  readonly responseBytes: number;
  /** Undefined where nothing waits: on a tunnel without a byte on its way. */
  readonly waitsFor: ExchangeWait | undefined;
}

/** What an exchange does, as far as it knows. */
export interface ExchangeProgress {
  readonly state: OpenExchangeState;
  readonly status: number | undefined;
  /** By `performance.now()`. */
  readonly startedMs: number;
  readonly bodyBytes: number;
  /** Whether bytes of the response wait for the client. */
  readonly clientIsSlow: boolean;
  /** Undefined where the request has no body. */
  readonly sender: RequestSender | undefined;
  readonly tunnel: Tunnel | undefined;
}

/** Tells of an exchange that is open now. */
export function openExchange(
  { method, remoteAddress, requestId, url }: RequestInit,
  plugin: string,
  progress: ExchangeProgress,
): OpenExchange {
  const { bodyBytes, startedMs, sender, state, status, tunnel } = progress;
  const query = url.indexOf("?");
  return {
    id: requestId,
    plugin,
    method,
    path: query < 0 ? url : url.slice(0, query),
    remoteAddress,
    // The same at every look: pages of exchanges are ordered by it.
    startedAt: new Date(performance.timeOrigin + startedMs),
    ageMs: performance.now() - startedMs,
    state,
    status,
    requestBytes: tunnel?.bytesFromClient ?? sender?.bytes ?? 0,
    responseBytes: tunnel?.bytesToClient ?? bodyBytes,
    waitsFor: waitOf(progress),
  };
}

function waitOf({ clientIsSlow, sender, tunnel }: ExchangeProgress): ExchangeWait | undefined {
  if (tunnel !== undefined) {
    return tunnel.clientIsSlow
      ? "client-to-read"
      : tunnel.pluginIsSlow
        ? "plugin-to-read"
        : undefined;
  }
  if (clientIsSlow) {
    return "client-to-read";
  }
  if (sender?.pluginIsSlow === true) {
    return "plugin-to-read";
  }
  return sender === undefined || sender.complete ? "plugin-to-write" : "client-to-send";
}
