import { methodAttribute } from "@servehttp/contract";
import type { Attributes } from "@opentelemetry/api";
import { attributeSetsMax } from "../limits.js";
import type { ObservedRequest } from "../observation/request-observer.js";

/** Requests with the same attributes that are not over. */
export interface ActiveRequests {
  readonly attributes: Attributes;
  count: number;
  /** The attributes of those of them that have ended, by numbers that stand for the rest. */
  readonly ended: Map<number, Attributes>;
}

/** By the method: what is known of the requests of one plugin. */
interface PluginRequests {
  readonly http: Map<string, ActiveRequests>;
  readonly https: Map<string, ActiveRequests>;
}

/**
 * The sets of attributes that requests have. Each is made once, so that a request makes none, and a
 * meter can know it by its identity. There are no more than `attributeSetsMax`, whatever clients and
 * plugins send: what is beyond counts under `otel.metric.overflow`, as in OpenTelemetry's SDKs.
 */
export class RequestAttributes {
  readonly #plugins = new Map<string | undefined, PluginRequests>();
  readonly #errorNumbers = new Map<string, number>();
  readonly #overflowing: ActiveRequests = { attributes: overflow, count: 0, ended: new Map() };
  #sets = 0;

  /** Those of a request that is not over. Hot: the small GET of `apps/bench`. */
  active(request: ObservedRequest): ActiveRequests {
    const ofScheme = this.#of(request.pluginId)[request.scheme];
    return ofScheme.get(request.method) ?? this.#otherActive(ofScheme, request);
  }

  /**
   * Those of a request that has its answer, or is over. Hot as well.
   *
   * @param active what `active` has returned for it
   */
  ended(active: ActiveRequests, request: ObservedRequest): Attributes {
    const { error, status = 0 } = request;
    const errorNumber = error === undefined ? 0 : this.#errorNumber(error.code);
    const number = (versionNumber(request) * 1_000 + status) * 64 + errorNumber;
    return active.ended.get(number) ?? this.#addEnded(active, number, request);
  }

  /** All sets of requests that are not over, those with none among them. */
  *allActive(): Generator<ActiveRequests> {
    for (const { http, https } of this.#plugins.values()) {
      yield* http.values();
      yield* https.values();
    }
    if (this.#overflowing.count > 0) {
      yield this.#overflowing;
    }
  }

  #of(pluginId: string | undefined): PluginRequests {
    let plugin = this.#plugins.get(pluginId);
    if (plugin === undefined) {
      plugin = { http: new Map(), https: new Map() };
      this.#plugins.set(pluginId, plugin);
    }
    return plugin;
  }

  /** Of a method that has not come yet, or that is none. */
  #otherActive(known: Map<string, ActiveRequests>, request: ObservedRequest): ActiveRequests {
    const method = methodAttribute(request.method);
    const other = known.get(method);
    if (other !== undefined) {
      return other;
    }
    if (this.#sets >= attributeSetsMax) {
      return this.#overflowing;
    }
    this.#sets += 1;
    const added = { attributes: common(request), count: 0, ended: new Map() };
    known.set(method, added);
    return added;
  }

  #addEnded(active: ActiveRequests, number: number, request: ObservedRequest): Attributes {
    if (active === this.#overflowing || this.#sets >= attributeSetsMax) {
      return overflow;
    }
    this.#sets += 1;
    const { error, httpVersion, status } = request;
    const errorType = error?.code ?? (status !== undefined && status >= 500 ? `${status}` : "");
    const added: Attributes = {
      ...active.attributes,
      "network.protocol.version": httpVersion,
      ...(status !== undefined && { "http.response.status_code": status }),
      ...(errorType !== "" && { "error.type": errorType }),
    };
    active.ended.set(number, added);
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

function versionNumber({ httpVersion }: ObservedRequest): number {
  return httpVersion === "1.1" ? 0 : httpVersion === "1.0" ? 1 : 2;
}
