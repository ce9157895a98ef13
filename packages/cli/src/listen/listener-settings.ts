import type { ListenAddress } from "./listen-address.js";

/** A certificate with its key, as `node:tls` takes them. */
export interface Certificate {
  readonly cert: Buffer;
  readonly key: Buffer;
  readonly passphrase?: string | undefined;
}

/** One address to listen on, and how. */
export interface ListenerSettings {
  readonly address: ListenAddress;
  /** Then HTTP/2 and HTTP/1.1 over TLS; otherwise plain HTTP/1.1. */
  readonly tls: Certificate | undefined;
  /** Who begins connections with a header of the PROXY protocol; undefined: nobody. */
  readonly proxyProtocol: readonly string[] | undefined;
  /** Permissions of a unix socket; undefined: by the umask. */
  readonly mode: number | undefined;
}
