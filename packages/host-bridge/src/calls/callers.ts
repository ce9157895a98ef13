import { createHash, randomBytes } from "node:crypto";
import type { RequestInit } from "@servehttp/contract";
import type { IdentityFields } from "../edge/read-identity.js";
import type { OnExchangeOver } from "../exchange/exchange.js";
import type { CallingExchanges } from "../server/admit.js";
import { CallingExchange } from "./calling-exchange.js";

/** A process of a plugin that may call others. */
export interface Caller {
  readonly plugin: CallingPlugin;
  readonly mayCall: ReadonlySet<string>;
}

/** A plugin that may call others, with what runs of it. */
export interface CallingPlugin {
  readonly id: string;
  /** Its exchanges that run, by their request ids. */
  readonly exchanges: Map<string, CallingExchange>;
  /** Calls of it that run. */
  calls: number;
}

/** The plugins of a host that may call others, as long as they have processes. */
export class Callers implements CallingExchanges {
  /** By the digests of their tokens: how long a look-up takes then says nothing of a token. */
  readonly #callers = new Map<string, Caller>();
  readonly #plugins = new Map<string, CallingPlugin>();

  /** Lets one more process of a plugin call these plugins. */
  grant(pluginId: string, mayCall: readonly string[]): { token: string; revoke: () => void } {
    let plugin = this.#plugins.get(pluginId);
    if (plugin === undefined) {
      plugin = { id: pluginId, exchanges: new Map(), calls: 0 };
      this.#plugins.set(pluginId, plugin);
    }
    const token = randomBytes(32).toString("base64url");
    this.#callers.set(digestOf(token), { plugin, mayCall: new Set(mayCall) });
    return { token, revoke: () => this.#revoke(token, pluginId) };
  }

  /** Keeps the exchanges of a plugin that calls elsewhere: at the supervisor, where its token is. */
  keep(pluginId: string): void {
    if (!this.#plugins.has(pluginId)) {
      this.#plugins.set(pluginId, { id: pluginId, exchanges: new Map(), calls: 0 });
    }
  }

  /** An exchange of a plugin that runs here. */
  find(pluginId: string, exchangeId: string): CallingExchange | undefined {
    return this.#plugins.get(pluginId)?.exchanges.get(exchangeId);
  }

  /** Who calls with this token. */
  callerOf(token: string): Caller | undefined {
    return this.#callers.get(digestOf(token));
  }

  begin(
    pluginId: string,
    init: RequestInit,
    identity: IdentityFields | undefined,
    depth: number,
  ): OnExchangeOver | undefined {
    const exchanges = this.#plugins.get(pluginId)?.exchanges;
    if (exchanges === undefined) {
      return undefined;
    }
    const exchange = new CallingExchange(init, identity, depth);
    exchanges.set(init.requestId, exchange);
    return (error) => {
      exchanges.delete(init.requestId);
      exchange.end(error);
    };
  }

  #revoke(token: string, pluginId: string): void {
    this.#callers.delete(digestOf(token));
    if (![...this.#callers.values()].some(({ plugin }) => plugin.id === pluginId)) {
      this.#plugins.delete(pluginId);
    }
  }
}

function digestOf(token: string): string {
  return createHash("sha256").update(token).digest("base64");
}
