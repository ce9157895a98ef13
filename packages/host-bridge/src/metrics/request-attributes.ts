import { methodAttribute } from "@servehttp/contract";
import type { Attributes } from "@opentelemetry/api";
import { attributeSetsMax } from "../limits.js";
import type { ObservedRequest } from "../observation/request-observer.js";

/** Requests with the same attributes that are not over. */
export interface ActiveRequests {
  readonly attributes: Attributes;
  count: number;
}

/** What is known of the requests of one plugin, by numbers that stand for their attributes. */
interface PluginRequests {
  readonly active: Map<number, ActiveRequests>;
  readonly ended: Map<number, Attributes>;
}

/**
 * The sets of attributes that requests have. Each is made once, so that a request makes none, and a
 * meter can know it by its identity. There are no more than `attributeSetsMax`, whatever clients and
 * plugins send: what is beyond counts under `otel.metric.overflow`, as in OpenTelemetry's SDKs.
 */
export class RequestAttributes {
  readonly #plugins = new Map<string | undefined, PluginRequests>();
  readonly #errorNumbers = new Map<string, number>();
  readonly #overflowing: ActiveRequests = { attributes: overflow, count: 0 };
  #sets = 0;

  /** Those of a request that is not over. Hot: the small GET of `apps/bench`. */
  active(request: ObservedRequest): ActiveRequests {
    const { active } = this.#of(request.pluginId);
    const number = methodNumber(request) * 2 + schemeNumber(request);
    return active.get(number) ?? this.#addActive(active, number, request);
  }

  /** Those of a request that has its answer, or is over. Hot as well. */
  ended(request: ObservedRequest): Attributes {
    const { ended } = this.#of(request.pluginId);
    const { error, status = 0 } = request;
    const facts = (methodNumber(request) * 2 + schemeNumber(request)) * 4 + versionNumber(request);
    const errorNumber = error === undefined ? 0 : this.#errorNumber(error.code);
    const number = (facts * 1_000 + status) * 64 + errorNumber;
    return ended.get(number) ?? this.#addEnded(ended, number, request);
  }

  /** All sets of requests that are not over, those with none among them. */
  *allActive(): Generator<ActiveRequests> {
    for (const { active } of this.#plugins.values()) {
      yield* active.values();
    }
    if (this.#overflowing.count > 0) {
      yield this.#overflowing;
    }
  }

  #of(pluginId: string | undefined): PluginRequests {
    let plugin = this.#plugins.get(pluginId);
    if (plugin === undefined) {
      plugin = { active: new Map(), ended: new Map() };
      this.#plugins.set(pluginId, plugin);
    }
    return plugin;
  }

  #addActive(
    active: Map<number, ActiveRequests>,
    number: number,
    request: ObservedRequest,
  ): ActiveRequests {
    if (this.#sets >= attributeSetsMax) {
      return this.#overflowing;
    }
    this.#sets += 1;
    const added = { attributes: common(request), count: 0 };
    active.set(number, added);
    return added;
  }

  #addEnded(ended: Map<number, Attributes>, number: number, request: ObservedRequest): Attributes {
    if (this.#sets >= attributeSetsMax) {
      return overflow;
    }
    this.#sets += 1;
    const { error, httpVersion, status } = request;
    const errorType = error?.code ?? (status !== undefined && status >= 500 ? `${status}` : "");
    const added: Attributes = {
      ...common(request),
      "network.protocol.version": httpVersion,
      ...(status !== undefined && { "http.response.status_code": status }),
      ...(errorType !== "" && { "error.type": errorType }),
    };
    ended.set(number, added);
    return added;
  }

  /** Codes are a closed set, so that the numbers are few. */
  #errorNumber(code: string): number {
    let number = this.#errorNumbers.get(code);
    if (number === undefined) {
      number = this.#errorNumbers.size + 1;
      this.#errorNumbers.set(code, number);
    }
    return number;
  }
}

const overflow: Attributes = { "otel.metric.overflow": true };

function common({ method, pluginId, scheme }: ObservedRequest): Attributes {
  return {
    "http.request.method": methodAttribute(method),
    "url.scheme": scheme,
    ...(pluginId !== undefined && { "servehttp.plugin.id": pluginId }),
  };
}

const methodNumbers = new Map<string, number>();

function methodNumber({ method }: ObservedRequest): number {
  const known = methodAttribute(method);
  let number = methodNumbers.get(known);
  if (number === undefined) {
    number = methodNumbers.size;
    methodNumbers.set(known, number);
  }
  return number;
}

function schemeNumber({ scheme }: ObservedRequest): number {
  return scheme === "http" ? 0 : 1;
}

function versionNumber({ httpVersion }: ObservedRequest): number {
  return httpVersion === "1.1" ? 0 : httpVersion === "1.0" ? 1 : 2;
}
