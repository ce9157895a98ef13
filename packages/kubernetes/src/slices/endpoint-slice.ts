/** What the addresses of a slice are. FQDN has no defined meaning, and some controllers write it. */
export type AddressType = "IPv4" | "IPv6" | "FQDN";

/** What is kept of an EndpointSlice. */
export interface EndpointSlice {
  readonly name: string;
  readonly addressType: AddressType;
  readonly ports: readonly SlicePort[];
  readonly endpoints: readonly Endpoint[];
}

/** A TCP port of every endpoint in a slice. */
export interface SlicePort {
  /** Empty where it has none. */
  readonly name: string;
  /** The one that the pods listen at. */
  readonly port: number;
}

export interface Endpoint {
  readonly address: string;
  readonly ready: boolean;
  readonly serving: boolean;
  readonly terminating: boolean;
  /** The zones that should use it; none where it has no hints. */
  readonly zones: readonly string[];
}

/** `EndpointSlice` of discovery.k8s.io/v1 in JSON, as far as it is read here. Empty lists come as null. */
export interface EndpointSliceJson {
  readonly metadata: { readonly name: string; readonly resourceVersion: string };
  readonly addressType: AddressType;
  readonly ports?: readonly PortJson[] | null;
  readonly endpoints?: readonly EndpointJson[] | null;
}

interface PortJson {
  readonly name?: string;
  readonly port?: number;
  readonly protocol?: string;
}

interface EndpointJson {
  readonly addresses: readonly string[];
  readonly conditions?: {
    readonly ready?: boolean;
    readonly serving?: boolean;
    readonly terminating?: boolean;
  };
  readonly hints?: { readonly forZones?: readonly { readonly name: string }[] | null };
}

/**
 * Reads a slice by the rules of its API: what a condition does not say is true for `ready` and
 * `serving`, and false for `terminating`; a port without a protocol is TCP; of several addresses of
 * an endpoint the first counts.
 *
 * @throws TypeError for what is no EndpointSlice
 */
export function readSlice(json: EndpointSliceJson): EndpointSlice {
  const { metadata, addressType, ports, endpoints } = json;
  return {
    name: metadata.name,
    addressType,
    ports: (ports ?? []).flatMap(({ name = "", port, protocol = "TCP" }) =>
      port === undefined || protocol !== "TCP" ? [] : [{ name, port }],
    ),
    endpoints: (endpoints ?? []).flatMap(({ addresses: [address], conditions = {}, hints }) => {
      const { ready = true, serving = true, terminating = false } = conditions;
      const zones = (hints?.forZones ?? []).map(({ name }) => name);
      return address === undefined ? [] : [{ address, ready, serving, terminating, zones }];
    }),
  };
}
