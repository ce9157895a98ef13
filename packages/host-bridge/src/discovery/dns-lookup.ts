import type { SrvRecord } from "node:dns";
import { lookup, Resolver } from "node:dns/promises";
import { readFile } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import { ServeHTTPError } from "@servehttp/contract";
import { dnsTimeoutMs, dnsTimeToLiveMs } from "../limits.js";
import type { FoundHost, FoundService, NameLookup } from "./name-lookup.js";
import { searchNames } from "./search-names.js";

/**
 * Asks one DNS server, or the system. Of the system, a host's addresses are what getaddrinfo says,
 * which knows hosts files, search domains and whatever else the system has; as gRPC's resolver for
 * Node does. It tells no time to live, so DNS is asked for that as well. What getaddrinfo does not
 * know, SRV records, is searched for as resolv.conf says.
 */
export class DnsLookup implements NameLookup {
  readonly #server: string | undefined;

  /** @param server `"10.0.0.2:53"`; undefined: the system's */
  constructor(server: string | undefined) {
    this.#server = server;
  }

  async addresses(name: string, signal: AbortSignal): Promise<FoundHost> {
    using resolver = this.#resolver(signal);
    if (this.#server !== undefined) {
      return await resolver.hosts(whole(name));
    }
    const asked = firstKnown(name, (one) => resolver.hosts(one)).catch(() => undefined);
    // Those that are valid on one link alone have a "%".
    const addresses = (await systemAddresses(name)).filter((address) => !address.includes("%"));
    const dns = await Promise.race([asked, delay(dnsTimeToLiveMs)]);
    return addresses.length > 0
      ? { addresses, ttlMs: dns?.ttlMs }
      : {
          addresses,
          ttlMs: undefined,
          why: dns?.why ?? "the system knows no address of that name",
        };
  }

  async services(name: string, signal: AbortSignal): Promise<FoundService> {
    using resolver = this.#resolver(signal);
    return this.#server === undefined
      ? await firstKnown(name, (one) => resolver.services(one))
      : await resolver.services(whole(name));
  }

  /** A new one each time, because the system's servers may be other ones by now. */
  #resolver(signal: AbortSignal): DnsResolver {
    return new DnsResolver(this.#server, signal);
  }
}

/** Queries of one look, which end with it. */
class DnsResolver implements Disposable {
  readonly #resolver = new Resolver({ timeout: dnsTimeoutMs, tries: 2 });
  readonly #signal: AbortSignal;
  readonly #cancel = (): void => this.#resolver.cancel();

  constructor(server: string | undefined, signal: AbortSignal) {
    if (server !== undefined) {
      this.#resolver.setServers([server]);
    }
    this.#signal = signal;
    signal.addEventListener("abort", this.#cancel, { once: true });
  }

  [Symbol.dispose](): void {
    this.#resolver.cancel();
    this.#signal.removeEventListener("abort", this.#cancel);
  }

  async hosts(name: string): Promise<FoundHost> {
    const options = { ttl: true } as const;
    const [four, six] = await Promise.allSettled([
      answered(this.#resolver.resolve4(name, options)),
      answered(this.#resolver.resolve6(name, options)),
    ]);
    const answers = [four, six].flatMap((one) => (one.status === "fulfilled" ? [one.value] : []));
    const failure = [four, six].find((one) => one.status === "rejected");
    const records = answers.flatMap((one) => one.records);
    if (records.length > 0) {
      return {
        addresses: records.map(({ address }) => address),
        ttlMs: Math.min(...records.map(({ ttl }) => ttl)) * 1_000,
        // RFC 4074: many a server fails where it is asked for a kind that it does not know.
        ...(failure && { unknown: failure === four ? "IPv4" : "IPv6" }),
      };
    }
    if (failure !== undefined) {
      throw failure.reason;
    }
    const [why] = answers.flatMap((one) => one.why ?? []).toSorted();
    return { addresses: [], ttlMs: undefined, why: why ?? noData };
  }

  async services(name: string): Promise<FoundService> {
    const { records, why } = await answered<SrvRecord>(this.#resolver.resolveSrv(name));
    // RFC 2782: a target of "." says that there is no such service.
    const targets = records.filter((record) => record.name !== "" && record.name !== ".");
    return targets.length > 0
      ? { targets }
      : { targets, why: why ?? "DNS says that there is no such service (its target is the root)" };
  }
}

const noName = "DNS has no such name (NXDOMAIN)";
const noData = "DNS has the name, but no record of this kind for it";

/** That there is nothing is an answer as well. */
async function answered<Record>(
  asked: Promise<readonly Record[]>,
): Promise<{ readonly records: readonly Record[]; readonly why?: string }> {
  try {
    return { records: await asked };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOTFOUND" || code === "ENODATA") {
      return { records: [], why: code === "ENODATA" ? noData : noName };
    }
    throw lookupError(error as NodeJS.ErrnoException);
  }
}

async function systemAddresses(name: string): Promise<readonly string[]> {
  try {
    return (await lookup(name, { all: true })).map(({ address }) => address);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOTFOUND") {
      return [];
    }
    throw lookupError(error as NodeJS.ErrnoException);
  }
}

/**
 * What is known of the first name that is known at all. One that can't be looked up hides no other,
 * as in glibc's `res_search`.
 *
 * @throws ServeHTTPError where none is known, and one could not be looked up
 */
async function firstKnown<Found extends { readonly why?: string }>(
  name: string,
  ask: (name: string) => Promise<Found>,
): Promise<Found> {
  const resolvConf = await readFile("/etc/resolv.conf", "utf8").catch(() => "");
  const unknown: Found[] = [];
  const failures: unknown[] = [];
  for (const one of searchNames(name, resolvConf)) {
    try {
      const found = await ask(one);
      if (found.why === undefined) {
        return found;
      }
      unknown.push(found);
    } catch (error) {
      failures.push(error);
    }
  }
  const [last] = unknown.slice(-1);
  if (last === undefined || failures.length > 0) {
    throw failures[0];
  }
  return last;
}

/** A name as a server takes it: without searching. */
function whole(name: string): string {
  return name.replace(/\.$/, "");
}

/** What the codes of c-ares and getaddrinfo mean. */
const meanings: Readonly<Record<string, string>> = {
  ESERVFAIL: "the DNS server failed (SERVFAIL)",
  EREFUSED: "the DNS server refused to answer (REFUSED)",
  ETIMEOUT: "no DNS server answered in time",
  ECONNREFUSED: "no DNS server listens at its address",
  EAI_AGAIN: "no DNS server answered (EAI_AGAIN)",
  ECANCELLED: "it was given up",
};

function lookupError(error: NodeJS.ErrnoException): ServeHTTPError {
  const meaning = meanings[error.code ?? ""] ?? error.message;
  return new ServeHTTPError("unavailable", meaning, { cause: error });
}
