import { readFileSync } from "node:fs";
import { parseAllDocuments } from "yaml";
import { manifestPath } from "../manifests/chart-digest.js";

/** What Kubernetes is told to do with the pods of a Deployment. Times are in seconds. */
export interface ShippedPods {
  /** How long a pod has to be ready until it counts. */
  readonly minReadySeconds: number;
  /** Between two probes of whether it is ready, and how many have to fail. */
  readonly probeSeconds: number;
  readonly probeFailures: number;
  /** What the probe asks for: a path over HTTP; undefined: whether it listens. */
  readonly probePath: string | undefined;
  /** How long it is left alone before it gets SIGTERM. */
  readonly preStopSeconds: number;
  /** When it gets SIGKILL, from the beginning of its end on. */
  readonly graceSeconds: number;
}

interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly data?: Readonly<Record<string, string>>;
  readonly spec?: {
    readonly minReadySeconds: number;
    readonly template: {
      readonly spec: {
        readonly terminationGracePeriodSeconds: number;
        readonly containers: readonly Container[];
      };
    };
  };
}

interface Container {
  readonly readinessProbe: {
    readonly periodSeconds: number;
    readonly failureThreshold: number;
    readonly httpGet?: { readonly path: string };
  };
  readonly lifecycle?: { readonly preStop: { readonly sleep: { readonly seconds: number } } };
}

const manifests = parseAllDocuments(readFileSync(manifestPath("plain"), "utf8")).map(
  (document) => document.toJS() as Manifest,
);

function shipped(kind: string, name: string): Manifest {
  const found = manifests.find((one) => one.kind === kind && one.metadata.name === name);
  if (found === undefined) {
    throw new Error(`${manifestPath("plain")} has no ${kind} ${name}`);
  }
  return found;
}

/** What the manifests say of the pods of a Deployment. */
export function shippedPods(deployment: string): ShippedPods {
  const { spec } = shipped("Deployment", deployment);
  const [container] = spec?.template.spec.containers ?? [];
  if (spec === undefined || container === undefined) {
    throw new Error(`the Deployment ${deployment} has no container`);
  }
  const { httpGet, failureThreshold, periodSeconds } = container.readinessProbe;
  return {
    minReadySeconds: spec.minReadySeconds,
    probeSeconds: periodSeconds,
    probeFailures: failureThreshold,
    probePath: httpGet?.path,
    preStopSeconds: container.lifecycle?.preStop.sleep.seconds ?? 0,
    graceSeconds: spec.template.spec.terminationGracePeriodSeconds,
  };
}

/** The config that the manifests give to hosts. */
export function shippedConfig(): Readonly<Record<string, unknown>> {
  const { data = {} } = shipped("ConfigMap", "servehttp-host");
  return JSON.parse(data["servehttp.config.json"] ?? "") as Readonly<Record<string, unknown>>;
}
