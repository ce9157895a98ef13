import { type Logger, ServeHTTPError } from "@servehttp/host-bridge";
import type { ClusterAccess } from "./api/cluster-access.js";
import type { AddressType } from "./slices/endpoint-slice.js";

/** Which instances are wanted, and where to ask for them. */
export interface ServiceOptions {
  /** The name of the Service. */
  readonly service: string;
  /**
   * Its namespace. Default: that of the service account, or of the kubeconfig's current context;
   * `"default"` where neither names one.
   */
  readonly namespace?: string | undefined;
  /**
   * The name of one of the Service's ports, or the number that its pods listen at (the Service's
   * `targetPort`, not its `port`). Default: its only port.
   */
  readonly port?: number | string | undefined;
  /** `"https"` where the plugins have certificates; the plugin's option `tls` goes with it. Default: `"http"`. */
  readonly scheme?: "http" | "https" | undefined;
  /**
   * The zone of this process, as its node's label `topology.kubernetes.io/zone` says. Where the
   * Service has topology hints (`trafficDistribution: PreferSameZone`), instances for this zone get
   * all exchanges while one of them is ready. Default: the environment variable `SERVEHTTP_ZONE`;
   * without one, hints are not looked at.
   */
  readonly zone?: string | undefined;
  /**
   * Which addresses to use of pods that have several. Default: the first kind of IPv4, IPv6 and FQDN
   * that the Service has endpoints of.
   */
  readonly addressType?: AddressType | undefined;
  /**
   * The path of a kubeconfig file, or a `KubeConfig` of `@kubernetes/client-node`. Default: what
   * `$KUBECONFIG` names, `~/.kube/config`, or the service account of the pod.
   */
  readonly kubeConfig?: ClusterAccess | string | undefined;
  /**
   * Where to say that the API server is gone or back, and what is wrong with the Service. The same
   * trouble is said once in ten minutes. Default: the host's.
   */
  readonly logger?: Logger | undefined;
}

/** What each option may be: the check, and its words. */
const allowed: Record<keyof ServiceOptions, readonly [(value: unknown) => boolean, string]> = {
  service: [isLabel, "the name of a Service"],
  namespace: [optional(isLabel), "the name of a namespace"],
  port: [optional(isPort), "a number from 1 to 65,535, or the name of a port"],
  scheme: [optional(oneOf("http", "https")), '"http" or "https"'],
  zone: [optional(isText), "the name of a zone"],
  addressType: [optional(oneOf("IPv4", "IPv6", "FQDN")), '"IPv4", "IPv6" or "FQDN"'],
  kubeConfig: [
    optional((value) => isText(value) || hasMethod(value, "applySecurityAuthentication")),
    "the path of a file, or a KubeConfig",
  ],
  logger: [optional((value) => hasMethod(value, "warn")), "a logger, such as one of pino"],
};

/** @throws ServeHTTPError `invalid-argument`, one line: what was given, what is allowed */
export function checkServiceOptions(options: ServiceOptions): void {
  const names = Object.keys(allowed);
  const unknown = Object.keys(options).find((name) => !names.includes(name));
  if (unknown !== undefined) {
    throw optionError(`there is no option ${unknown}; there are ${names.join(", ")}`);
  }
  for (const [name, [isAllowed, words]] of Object.entries(allowed)) {
    const value: unknown = options[name as keyof ServiceOptions];
    if (!isAllowed(value)) {
      const shown =
        typeof value === "object" ? "an object" : (JSON.stringify(value) ?? typeof value);
      throw optionError(`${name}: got ${shown}, allowed is ${words}`);
    }
  }
}

function optionError(message: string): ServeHTTPError {
  return new ServeHTTPError("invalid-argument", `serviceInstances: ${message}`);
}

function optional(isAllowed: (value: unknown) => boolean): (value: unknown) => boolean {
  return (value) => value === undefined || isAllowed(value);
}

function oneOf(...values: readonly string[]): (value: unknown) => boolean {
  return (value) => typeof value === "string" && values.includes(value);
}

function isText(value: unknown): boolean {
  return typeof value === "string" && value !== "";
}

function hasMethod(value: unknown, name: string): boolean {
  return typeof (value as Readonly<Record<string, unknown>> | null)?.[name] === "function";
}

/** A label of DNS, as names in Kubernetes are (RFC 1123, 2.1). */
export function isLabel(text: unknown): text is string {
  return typeof text === "string" && /^[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?$/.test(text);
}

/** A number, or the name of one. */
export function isPort(port: unknown): boolean {
  return typeof port === "number"
    ? Number.isInteger(port) && port >= 1 && port <= 65_535
    : isLabel(port);
}
