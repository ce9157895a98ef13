import type { HostClient } from "../hosts/host-client.js";

/** How a check reaches the plugin through a proxy. */
export interface Route {
  readonly secure: boolean;
  /** Whether connections to the host are those of clients. */
  readonly passesBytes: boolean;
  /** Where the client is, other than the proxy. */
  readonly clientIp: string;
  /** A new client of HTTP/1.1. */
  http1(): HostClient;
  /** A new client of HTTP/2; only where clients speak TLS. */
  http2(): Promise<HostClient>;
  /** How long the proxy keeps idle connections, and how long the host does. */
  readonly idleSeconds: number;
  readonly hostIdleSeconds: number;
}
