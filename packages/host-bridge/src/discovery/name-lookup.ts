import type { SrvRecord } from "node:dns";

/** What is known of a name in DNS. */
export interface NameLookup {
  /**
   * All addresses of a host, IPv4 and IPv6; none where there are none, which `why` explains.
   *
   * @throws ServeHTTPError `unavailable` where nobody can say
   */
  addresses(name: string, signal: AbortSignal): Promise<FoundHost>;
  /** The targets of a service, in the same way. */
  services(name: string, signal: AbortSignal): Promise<FoundService>;
}

/** The addresses of a host. */
export interface FoundHost {
  readonly addresses: readonly string[];
  /** How long they may be taken for true; undefined: nobody says. */
  readonly ttlMs: number | undefined;
  /** Why there are none. */
  readonly why?: string;
  /** Of which kind nobody can say whether there are others: the server answered for one kind alone. */
  readonly unknown?: "IPv4" | "IPv6";
}

/** The targets of a service. Node tells no time to live of them. */
export interface FoundService {
  readonly targets: readonly SrvRecord[];
  /** Why there are none. */
  readonly why?: string;
}
