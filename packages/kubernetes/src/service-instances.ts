import type { InstanceAddress, Logger } from "@servehttp/host-bridge";
import { ApiError } from "./api/api-error.js";
import { openCluster } from "./api/cluster.js";
import { ServiceSlices } from "./api/service-slices.js";
import { checkServiceOptions, type ServiceOptions } from "./service-options.js";
import { instancesOf } from "./slices/instances-of.js";
import { watchSlices } from "./slices/watch-slices.js";
import { systemClock } from "./system-clock.js";
import { TroubleLog } from "./trouble-log.js";

/**
 * The instances of a plugin that are the pods of a Kubernetes Service, for the option `discover` of
 * the plugin. Nothing happens before the host calls what this returns.
 *
 * It lists the EndpointSlices of the Service and then watches them (list and watch on
 * `endpointslices` of `discovery.k8s.io` in the namespace is what its Role has to allow). Each item
 * is the whole list, at first and after each change:
 *
 * - an endpoint that is ready is an address, and one that is terminating is one that gets nothing
 *   new. Where none is ready, those that are terminating and still serve are used, as kube-proxy
 *   does;
 * - with `zone` and topology hints, addresses for other zones have the priority 1, unless an
 *   endpoint has no hint or none is for this zone;
 * - of pods with IPv4 and IPv6 addresses one is used.
 *
 * While the API server is gone, nothing is yielded, so the last list counts. Where there was no list
 * yet, it throws, and the host tries again.
 *
 * @throws ServeHTTPError `invalid-argument` for options that are not allowed
 */
export function serviceInstances(
  options: ServiceOptions,
): (signal: AbortSignal, logger: Logger) => AsyncIterable<readonly InstanceAddress[]> {
  checkServiceOptions(options);
  return (signal, logger) => follow(options, signal, options.logger ?? logger);
}

async function* follow(
  options: ServiceOptions,
  signal: AbortSignal,
  logger: Logger,
): AsyncGenerator<readonly InstanceAddress[]> {
  const { addressType, kubeConfig, port, scheme = "http", service } = options;
  const zone = options.zone ?? (process.env["SERVEHTTP_ZONE"] || undefined);
  const cluster = await openCluster(kubeConfig);
  const namespace = options.namespace ?? cluster.namespace;
  const outages = new TroubleLog(logger, { service, namespace }, systemClock.nowMs);
  const troubles = new TroubleLog(logger, { service, namespace }, systemClock.nowMs);
  const name = `Service "${service}" in namespace "${namespace}"`;
  const slices = watchSlices(
    {
      api: new ServiceSlices(cluster, namespace, service, Math.random),
      clock: systemClock,
      chance: Math.random,
      onOpen: () => outages.over(() => `${name} is watched again`),
      onTrouble(error) {
        const kind = error instanceof ApiError ? String(error.status) : "other";
        const message = error instanceof Error ? error.message : String(error);
        outages.say(kind, `${name} can't be watched; its last addresses stay: ${message}`);
      },
    },
    signal,
  );
  let previous: string | undefined;
  for await (const all of slices) {
    const choice = { addressType, port, scheme, zone };
    const { addresses, trouble } = instancesOf(all, choice);
    if (trouble === undefined) {
      troubles.over(() => `${name} has ${addresses.length} addresses`);
    } else {
      troubles.say(trouble.kind, `${name} ${trouble.text}`);
    }
    const next = JSON.stringify(addresses);
    if (next !== previous) {
      previous = next;
      yield addresses;
    }
  }
}
