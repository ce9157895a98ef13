import type { Endpoint } from "./endpoint-slice.js";

/**
 * Which endpoints this zone should use first, by the rules of kube-proxy: hints count where every
 * ready endpoint has some and one of them is for this zone. Else all are as near.
 *
 * @see https://github.com/kubernetes/kubernetes/blob/v1.36.3/pkg/proxy/topology.go topologyModeFromHints
 */
export function ownZoneOf(
  ready: readonly Endpoint[],
  zone: string | undefined,
): (endpoint: Endpoint) => boolean {
  const isForZone = ({ zones }: Endpoint) => zone !== undefined && zones.includes(zone);
  const areHintsUsed = ready.every(({ zones }) => zones.length > 0) && ready.some(isForZone);
  return areHintsUsed ? isForZone : () => true;
}
