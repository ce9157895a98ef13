import type { EndpointSlice, SlicePort } from "./endpoint-slice.js";
import type { Trouble } from "./trouble.js";

export interface ChosenPorts {
  /** Undefined for a slice that has no such port. */
  readonly portOf: (slice: EndpointSlice) => number | undefined;
  readonly trouble: Trouble | undefined;
}

/**
 * The port of the endpoints in each slice. A name may mean another number in each slice, where pods
 * name their ports themselves; a number is that of the pods. None is needed where there is but one.
 */
export function choosePorts(
  slices: readonly EndpointSlice[],
  wanted: number | string | undefined,
): ChosenPorts {
  const ports = slices.flatMap((slice) => slice.ports);
  if (wanted === undefined) {
    return slices.every((slice) => slice.ports.length <= 1)
      ? { portOf: (slice) => slice.ports[0]?.port, trouble: undefined }
      : {
          portOf: () => undefined,
          trouble: { kind: "port", text: `has several ports, ${told(ports)}: say which one` },
        };
  }
  const isKnown =
    ports.length === 0 || ports.some(({ name, port }) => name === wanted || port === wanted);
  const text =
    typeof wanted === "number"
      ? `sends to ${told(ports)} of its pods, and not to ${wanted}: give the port that they listen at`
      : `has no TCP port named "${wanted}", only ${told(ports)}`;
  return {
    portOf:
      typeof wanted === "number"
        ? () => wanted
        : (slice) => slice.ports.find(({ name }) => name === wanted)?.port,
    trouble: isKnown ? undefined : { kind: "port", text },
  };
}

function told(ports: readonly SlicePort[]): string {
  const texts = ports.map(({ name, port }) => (name === "" ? `${port}` : `"${name}" (${port})`));
  return [...new Set(texts)].toSorted().join(", ");
}
