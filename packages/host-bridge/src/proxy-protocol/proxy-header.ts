/** What a sender says of a connection, before anything else on it. */
export type ProxyHeader =
  /** Its client's address. */
  | { readonly kind: "address"; readonly bytes: number; readonly client: ClientAddress }
  /** It has a client without an IP address: one that came by a unix socket. */
  | { readonly kind: "no-address"; readonly bytes: number }
  /** The connection is its own (LOCAL), or it knows no client (UNKNOWN, UNSPEC). */
  | { readonly kind: "own"; readonly bytes: number };

/** The address and the port of a client. */
export interface ClientAddress {
  readonly address: string;
  readonly family: "IPv4" | "IPv6";
  readonly port: number;
}

/** What came is no header. */
export interface HeaderFault {
  readonly kind: "fault";
  /** Continues "its header …". Has nothing in it of what came. */
  readonly reason: string;
}

export function headerFault(reason: string): HeaderFault {
  return { kind: "fault", reason };
}
