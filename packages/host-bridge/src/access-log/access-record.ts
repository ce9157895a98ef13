import { methodAttribute } from "@servehttp/contract";
import type { ObservedRequest } from "../observation/request-observer.js";

/**
 * What a record of the access log says of a request that is over: names of OpenTelemetry's semantic
 * conventions where there are some, `servehttp.…` for the rest. Undefined: not in the record.
 */
export type AccessRecord = {
  /** The method; `_OTHER` for one that nobody knows. */
  readonly "http.request.method": string;
  /** A method that nobody knows, as the client sent it. */
  readonly "http.request.method_original": string | undefined;
  /** `http` or `https`, as the client addressed the host. */
  readonly "url.scheme": string;
  /** The path, as the client sent it. */
  readonly "url.path": string;
  /** The query, without the secret parameters. */
  readonly "url.query": string | undefined;
  /** The host that the client has addressed. */
  readonly "server.address": string | undefined;
  /** Its port, where the client named one. */
  readonly "server.port": number | undefined;
  /** The client's IP address, as trusted proxies and the connection tell. */
  readonly "client.address": string | undefined;
  /** The client's port. */
  readonly "client.port": number | undefined;
  /** `1.0`, `1.1` or `2`. */
  readonly "network.protocol.version": string;
  /** The User-Agent field. */
  readonly "user_agent.original": string | undefined;
  /** The status; 101 for a tunnel; not there where the client left before it got one. */
  readonly "http.response.status_code": number | undefined;
  /** Bytes of the body, or of the tunnel, that went to the plugin. */
  readonly "http.request.body.size": number;
  /** Bytes of the body, or of the tunnel, that went to the client. */
  readonly "http.response.body.size": number;
  /** The code of the error that it failed with. */
  readonly "error.type": string | undefined;
  /** The plugin; not there where the host has no such plugin. */
  readonly "servehttp.plugin.id": string | undefined;
  /** The id that the plugin and other records of the log know it by (`requestId`). */
  readonly "servehttp.request.id": string | undefined;
  /** How it came out: `ok`, `deadline` and so on. */
  readonly "servehttp.outcome": string | undefined;
  /** Whether the client left before the response was whole. */
  readonly "servehttp.client.left": boolean;
  /** Milliseconds from the beginning to the final head of the response. */
  readonly "servehttp.head_ms": number | undefined;
  /** Milliseconds from the beginning to the end. */
  readonly "servehttp.total_ms": number | undefined;
  /** Milliseconds that it waited for its plugin, where it did. */
  readonly "servehttp.waited_ms": number | undefined;
  /** How often it was given back, because no handler had seen it, where it was. */
  readonly "servehttp.retries": number | undefined;
  /** True for a connection that the plugin took over, such as a WebSocket. */
  readonly "servehttp.tunnel": true | undefined;
  /** The plugin that made the request, where it was a call of a plugin. */
  readonly "servehttp.called_by": string | undefined;
  /** The trace, where there is one. */
  readonly trace_id: string | undefined;
  /** The span that stands for the request. */
  readonly span_id: string | undefined;
};

/** Makes the record of a request that is over. */
export function accessRecord(request: ObservedRequest): AccessRecord {
  const { error, method, outcome, target, timesGivenBack, trace, waitedMs } = request;
  const known = methodAttribute(method);
  const queryAt = target.indexOf("?");
  const server = request.host;
  const client = request.clientAddress;
  return {
    "http.request.method": known,
    "http.request.method_original": known === method ? undefined : method,
    "url.scheme": request.scheme,
    "url.path": queryAt < 0 ? target : target.slice(0, queryAt),
    "url.query": queryAt < 0 ? undefined : target.slice(queryAt + 1),
    "server.address": addressOf(server),
    "server.port": portOf(server),
    "client.address": addressOf(client),
    "client.port": portOf(client),
    "network.protocol.version": request.httpVersion,
    "user_agent.original": request.field("user-agent"),
    "http.response.status_code": request.status,
    "http.request.body.size": request.requestBytes,
    "http.response.body.size": request.responseBytes,
    "error.type": error?.code,
    "servehttp.plugin.id": request.pluginId,
    "servehttp.request.id": request.requestId,
    "servehttp.outcome": outcome,
    "servehttp.client.left": outcome === "client-disconnected",
    "servehttp.head_ms": rounded(request.headMs),
    "servehttp.total_ms": rounded(request.totalMs),
    "servehttp.waited_ms": waitedMs === 0 ? undefined : rounded(waitedMs),
    "servehttp.retries": timesGivenBack === 0 ? undefined : timesGivenBack,
    "servehttp.tunnel": request.isTunnel ? true : undefined,
    "servehttp.called_by": request.calledBy,
    trace_id: trace?.traceId,
    span_id: trace?.spanId,
  };
}

/** The host of `"host:port"`, `"[ip]:port"` or `"host"`. */
export function addressOf(hostAndPort: string): string | undefined {
  const portAt = portStart(hostAndPort);
  const host = portAt < 0 ? hostAndPort : hostAndPort.slice(0, portAt - 1);
  if (host.startsWith("[") && host.endsWith("]")) {
    return host.slice(1, -1);
  }
  return host === "" ? undefined : host;
}

/** Its port, where it has one. */
export function portOf(hostAndPort: string): number | undefined {
  const portAt = portStart(hostAndPort);
  const port = portAt < 0 ? 0 : Number(hostAndPort.slice(portAt));
  return port > 0 && port <= 65_535 ? port : undefined;
}

/** Where the port begins; -1 where there is none. */
function portStart(hostAndPort: string): number {
  const colonAt = hostAndPort.lastIndexOf(":");
  return colonAt < 0 || hostAndPort.endsWith("]") ? -1 : colonAt + 1;
}

/** To a microsecond. */
export function rounded(ms: number | undefined): number | undefined {
  return ms === undefined ? undefined : Math.round(ms * 1_000) / 1_000;
}
