import type { InstanceAddress } from "@servehttp/host-bridge";
import type { AddressType, Endpoint, EndpointSlice } from "./endpoint-slice.js";
import { choosePorts } from "./choose-ports.js";
import { ownZoneOf } from "./own-zone.js";
import type { Trouble } from "./trouble.js";

/** What is wanted of the slices of a Service. */
export interface InstanceChoice {
  readonly port: number | string | undefined;
  readonly scheme: "http" | "https";
  /** The zone of this process. */
  readonly zone: string | undefined;
  /** Default: the first that has endpoints of IPv4, IPv6 and FQDN. */
  readonly addressType: AddressType | undefined;
}

export interface FoundInstances {
  /** In the order of their urls. */
  readonly addresses: readonly InstanceAddress[];
  readonly trouble: Trouble | undefined;
}

/**
 * The instances of a Service by all its slices: those that are ready, and those that are terminating.
 * Where none is ready, those terminating that still serve are used, as kube-proxy does.
 *
 * An endpoint that moves from one slice to another is in both for a moment; what the slice says that
 * changed last counts.
 *
 * @param slices in the order of their last changes
 */
export function instancesOf(
  slices: readonly EndpointSlice[],
  choice: InstanceChoice,
): FoundInstances {
  const type = choice.addressType ?? typeInUse(slices);
  const chosen = slices.filter(({ addressType }) => addressType === type);
  const { portOf, trouble: portTrouble } = choosePorts(chosen, choice.port);
  const endpoints = new Map<string, Endpoint>();
  for (const slice of chosen) {
    const port = portOf(slice);
    if (port !== undefined) {
      for (const endpoint of slice.endpoints) {
        endpoints.set(urlOf(choice.scheme, type, endpoint.address, port), endpoint);
      }
    }
  }
  const ready = [...endpoints.values()].filter((one) => one.ready && !one.terminating);
  const isNear = ownZoneOf(ready, choice.zone);
  const addresses = [...endpoints]
    .toSorted(([one], [other]) => (one < other ? -1 : 1))
    .flatMap(([url, endpoint]): readonly InstanceAddress[] => {
      if (endpoint.terminating) {
        const isLastResort = ready.length === 0 && (endpoint.serving || endpoint.ready);
        return [isLastResort ? { url } : { url, terminating: true }];
      }
      if (!endpoint.ready) {
        return [];
      }
      return [isNear(endpoint) ? { url } : { url, priority: 1 }];
    });
  return { addresses, trouble: portTrouble ?? troubleOf(slices, chosen, ready.length) };
}

function typeInUse(slices: readonly EndpointSlice[]): AddressType {
  const isUsed = (type: AddressType) =>
    slices.some(({ addressType, endpoints }) => addressType === type && endpoints.length > 0);
  return (["IPv4", "IPv6", "FQDN"] as const).find(isUsed) ?? "IPv4";
}

function urlOf(scheme: string, type: AddressType, address: string, port: number): string {
  return `${scheme}://${type === "IPv6" ? `[${address}]` : address}:${port}`;
}

function troubleOf(
  slices: readonly EndpointSlice[],
  chosen: readonly EndpointSlice[],
  readyCount: number,
): Trouble | undefined {
  if (readyCount > 0) {
    return undefined;
  }
  if (slices.length === 0) {
    const text = "has no EndpointSlices: check its name and namespace, and that it has a selector";
    return { kind: "no-slices", text };
  }
  const count = chosen.reduce((sum, { endpoints }) => sum + endpoints.length, 0);
  if (count > 0) {
    const endpoints = count === 1 ? "endpoint" : "endpoints";
    return { kind: "none-ready", text: `has ${count} ${endpoints}, none of them ready` };
  }
  const used = slices.filter(({ endpoints }) => endpoints.length > 0);
  const others = [...new Set(used.map(({ addressType }) => addressType))].join(" and ");
  const text =
    others === ""
      ? "has no endpoints: no pod matches its selector"
      : `has ${others} endpoints alone`;
  return { kind: "no-endpoints", text };
}
