import type { SrvRecord } from "node:dns";
import { isIPv6 } from "node:net";
import { ServeHTTPError } from "@servehttp/contract";
import { nameIntervalMs, nameRetryMs } from "../limits.js";
import type { NamingUrl } from "../options/naming-url.js";
import type { Clock } from "../process/clock.js";
import type { AddressSink, AddressSource, FoundAddress } from "./address-source.js";
import type { FoundHost, NameLookup } from "./name-lookup.js";
import { RetryDelay } from "./retry-delay.js";

/** What addresses are found in DNS with. */
export interface NameSourceOptions {
  /** As the options have it. */
  readonly url: string;
  readonly naming: NamingUrl;
  /** Whether the addresses are connected to by TLS. */
  readonly isSecure: boolean;
  readonly lookup: NameLookup;
  readonly clock: Clock;
  /** From 0 to 1. */
  readonly chance: () => number;
}

/** What a look has found: at least one address. */
interface Looked {
  readonly addresses: readonly FoundAddress[];
  /** How long it may be taken for true; undefined: nobody says. */
  readonly ttlMs: number | undefined;
}

/**
 * What a source in DNS is doing.
 *
 *   new     -> looking           [start]
 *   looking -> waiting           [it was answered, or failed]
 *   waiting -> looking           [its time has come; refresh, at the earliest a second after the last]
 *   any     -> closed            [close]
 */
type State =
  | { readonly name: "new" | "closed" }
  /** `isAgain`: somebody has asked to look again meanwhile. */
  | { readonly name: "looking"; isAgain: boolean }
  | { readonly name: "waiting"; readonly timer: AbortController; readonly dueMs: number };

/**
 * The addresses that DNS has for a host, or for the targets of a service. It looks again when their
 * time to live is over, and soon after one of them was lost. What can't be found, or is not there
 * any more, stays: a server of DNS that fails must take nothing from a plugin that runs.
 */
export class NameSource implements AddressSource {
  readonly #options: NameSourceOptions;
  readonly #over = new AbortController();
  readonly #delay: RetryDelay;
  #state: State = { name: "new" };
  #lookedAtMs = 0;
  /** The addresses of each host, as the last look has found them that found any. */
  #hosts: ReadonlyMap<string, readonly string[]> = new Map();
  #sink: AddressSink | undefined;

  constructor(options: NameSourceOptions) {
    this.#options = options;
    this.#delay = new RetryDelay(nameRetryMs, options.chance);
  }

  start(sink: AddressSink): void {
    this.#sink = sink;
    void this.#look();
  }

  refresh(): void {
    const state = this.#state;
    if (state.name === "looking") {
      state.isAgain = true;
    } else if (state.name === "waiting") {
      const nowMs = this.#options.clock.nowMs();
      const soonMs = Math.max(nowMs, this.#lookedAtMs + nameIntervalMs.min);
      if (soonMs < state.dueMs) {
        state.timer.abort();
        this.#wait(soonMs - nowMs);
      }
    }
  }

  close(): void {
    if (this.#state.name === "waiting") {
      this.#state.timer.abort();
    }
    this.#state = { name: "closed" };
    this.#over.abort(new ServeHTTPError("host-stopping", "the plugin's addresses are not used"));
  }

  async #look(): Promise<void> {
    const looking: State = { name: "looking", isAgain: false };
    this.#state = looking;
    const { chance, clock } = this.#options;
    let tell: () => void;
    let againMs: number;
    try {
      const hosts = new Map<string, readonly string[]>();
      const { addresses, ttlMs } = await this.#find(hosts);
      this.#hosts = hosts;
      this.#delay.reset();
      const { min, max, unknown } = nameIntervalMs;
      const heldMs = Math.min(Math.max(ttlMs ?? unknown, min), max);
      // A little later, so that caches have forgotten it, and not all hosts at once.
      againMs = heldMs * (1 + chance() / 10);
      tell = () => this.#sink?.onAddresses(addresses);
    } catch (thrown) {
      const error = ServeHTTPError.from(thrown);
      const retryMs = this.#delay.next();
      const told = new ServeHTTPError(error.code, `${this.#options.url}: ${error.message}`, error);
      againMs = retryMs;
      tell = () => this.#sink?.onFailure(told, retryMs);
    }
    if (this.#state !== looking) {
      return;
    }
    this.#lookedAtMs = clock.nowMs();
    this.#wait(looking.isAgain ? Math.min(againMs, nameIntervalMs.min) : againMs);
    tell();
  }

  #wait(ms: number): void {
    const { clock } = this.#options;
    const timer = new AbortController();
    this.#state = { name: "waiting", timer, dueMs: clock.nowMs() + ms };
    clock.after(ms, timer.signal, () => void this.#look());
  }

  /** @param hosts gets the addresses of each host */
  async #find(hosts: Map<string, readonly string[]>): Promise<Looked> {
    const { lookup, naming } = this.#options;
    const { signal } = this.#over;
    if (naming.kind === "dns") {
      const { addresses, ttlMs, why } = await this.#host(naming.name, hosts);
      const share = { port: naming.port, weight: 1, priority: 0 };
      return { addresses: known(this.#at(addresses, share), why), ttlMs };
    }
    const { targets, why } = await lookup.services(naming.name, signal);
    const found = await Promise.all(
      targets.map(async (target) => ({
        target,
        host: await this.#host(target.name, hosts),
      })),
    );
    const missing = found.find(({ host }) => host.why !== undefined);
    const whyNone = missing && `its target ${missing.target.name}: ${missing.host.why}`;
    const times = found.flatMap(({ host }) => host.ttlMs ?? []);
    return {
      addresses: known(
        found.flatMap(({ target, host }) => this.#at(host.addresses, target)),
        whyNone ?? why,
      ),
      ttlMs: Math.min(nameIntervalMs.unknown, ...times),
    };
  }

  /** A host. Of the kind that nobody can say anything of, what was known before. */
  async #host(name: string, hosts: Map<string, readonly string[]>): Promise<FoundHost> {
    const host = await this.#options.lookup.addresses(name, this.#over.signal);
    const { unknown } = host;
    const before = this.#hosts.get(name) ?? [];
    const kept = before.filter((one) => unknown === (isIPv6(one) ? "IPv6" : "IPv4"));
    const addresses = [...host.addresses, ...kept];
    hosts.set(name, addresses);
    return { ...host, addresses };
  }

  /** The addresses of a host, as those of instances. */
  #at(
    addresses: readonly string[],
    share: Pick<SrvRecord, "port" | "weight" | "priority">,
  ): readonly FoundAddress[] {
    const { isSecure, naming } = this.#options;
    const { port, priority } = share;
    return addresses.map((address) => ({
      url: `${isSecure ? "https" : "http"}://${isIPv6(address) ? `[${address}]` : address}:${port}`,
      // RFC 2782: next to others, a weight of 0 is a very small share.
      weight: Math.max(1, share.weight),
      priority,
      terminating: false,
      serverName: serverNameOf(naming),
    }));
  }
}

/** Each address once, with the lowest priority that it has. */
function known(
  addresses: readonly FoundAddress[],
  why: string | undefined,
): readonly FoundAddress[] {
  if (addresses.length === 0) {
    throw new ServeHTTPError("unavailable", why ?? "DNS has no address for it");
  }
  const byPriority = addresses.toSorted((one, other) => other.priority - one.priority);
  return [...new Map(byPriority.map((one) => [one.url, one])).values()];
}

/**
 * What certificates are checked against: the name that was asked for, and never one that DNS has
 * answered with, because nobody proves what DNS answers (RFC 6125, section 6.2.1).
 */
function serverNameOf({ kind, name }: NamingUrl): string {
  const host = name.replace(/\.$/, "");
  return kind === "srv" ? host.split(".").slice(2).join(".") : host;
}
