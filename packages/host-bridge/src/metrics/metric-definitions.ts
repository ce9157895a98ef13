import type { MetricAdvice } from "@opentelemetry/api";

/** A metric of a host: what `docs/observability.md` says of it, and what it is made with. */
export interface MetricDefinition {
  readonly name: string;
  readonly kind: "histogram" | "counter" | "up-down counter";
  /** By UCUM, as the semantic conventions have it. */
  readonly unit: string;
  readonly description: string;
  /** The attributes that it has beside `servehttp.plugin.id`. */
  readonly attributes: readonly string[];
  readonly advice?: MetricAdvice;
}

/** The buckets that the semantic conventions advise for `http.server.request.duration`, in seconds. */
const durationBoundaries = [
  0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10,
];

/** From nothing over a packet and a chunk to a large file, in bytes. */
const sizeBoundaries = [
  0, 1_024, 4_096, 16_384, 65_536, 262_144, 1_048_576, 4_194_304, 16_777_216, 67_108_864,
  268_435_456, 1_073_741_824,
];

/** From a Node that says hello to an application that loads a model, in seconds. */
const startBoundaries = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120];

const ofRequests = [
  "http.request.method",
  "url.scheme",
  "network.protocol.version",
  "http.response.status_code",
  "error.type",
];

/**
 * Every metric of a host. Names, units and attributes of `http.server.…` are those of OpenTelemetry's
 * semantic conventions for HTTP metrics.
 */
export const metricDefinitions = {
  requestDuration: {
    name: "http.server.request.duration",
    kind: "histogram",
    unit: "s",
    description:
      "How long requests for plugins took, those that the host answers itself among them; a tunnel's counts up to its beginning",
    attributes: ofRequests,
    advice: { explicitBucketBoundaries: durationBoundaries },
  },
  activeRequests: {
    name: "http.server.active_requests",
    kind: "up-down counter",
    unit: "{request}",
    description: "Requests that are not over, tunnels not among them",
    attributes: ["http.request.method", "url.scheme"],
  },
  requestBodySize: {
    name: "http.server.request.body.size",
    kind: "histogram",
    unit: "By",
    description: "Bytes of request bodies that went to plugins",
    attributes: ofRequests,
    advice: { explicitBucketBoundaries: sizeBoundaries },
  },
  responseBodySize: {
    name: "http.server.response.body.size",
    kind: "histogram",
    unit: "By",
    description: "Bytes of response bodies that went to clients",
    attributes: ofRequests,
    advice: { explicitBucketBoundaries: sizeBoundaries },
  },
  outcomes: {
    name: "servehttp.exchange.outcomes",
    kind: "counter",
    unit: "{exchange}",
    description: "How exchanges, and requests that were refused in a plugin's place, came out",
    attributes: ["servehttp.outcome"],
  },
  exchanges: {
    name: "servehttp.exchanges.active",
    kind: "up-down counter",
    unit: "{exchange}",
    description: "Exchanges with the plugin that run now, tunnels among them",
    attributes: [],
  },
  tunnels: {
    name: "servehttp.tunnels.active",
    kind: "up-down counter",
    unit: "{tunnel}",
    description: "WebSockets and other connections that the plugin has taken over",
    attributes: [],
  },
  queue: {
    name: "servehttp.queue",
    kind: "up-down counter",
    unit: "{request}",
    description: "Requests that wait for the plugin to become ready",
    attributes: [],
  },
  stalls: {
    name: "servehttp.carrier.window.stalls",
    kind: "counter",
    unit: "{stall}",
    description:
      "How often a client's bytes had to wait, because the plugin had not read those before them",
    attributes: [],
  },
  retries: {
    name: "servehttp.exchange.retries",
    kind: "counter",
    unit: "{exchange}",
    description:
      "Exchanges that an instance gave back, because no handler had seen them, by where they were tried again",
    attributes: ["servehttp.retry"],
  },
  state: {
    name: "servehttp.plugin.state",
    kind: "up-down counter",
    unit: "{plugin}",
    description: "1 for the state in which the plugin is, 0 for each other one",
    attributes: ["servehttp.state"],
  },
  instances: {
    name: "servehttp.instances",
    kind: "up-down counter",
    unit: "{instance}",
    description:
      "Instances of the plugin by what they get: exchanges, nothing because they failed, nothing because they are not connected",
    attributes: ["servehttp.instance.state"],
  },
  instanceExchanges: {
    name: "servehttp.instance.exchanges.active",
    kind: "up-down counter",
    unit: "{exchange}",
    description:
      "Exchanges with an instance that run now, tunnels among them; not for instances that a discovery tells, whose names have no end",
    attributes: ["servehttp.instance"],
  },
  ejections: {
    name: "servehttp.instance.ejections",
    kind: "counter",
    unit: "{ejection}",
    description: "How often an instance of the plugin was left out for a while, because it failed",
    attributes: ["servehttp.ejection.reason"],
  },
  restarts: {
    name: "servehttp.plugin.restarts",
    kind: "counter",
    unit: "{restart}",
    description: "Starts of the plugin, or connections to it, after the first ones",
    attributes: [],
  },
  startDuration: {
    name: "servehttp.plugin.start.duration",
    kind: "histogram",
    unit: "s",
    description: "How long the plugin took from the beginning of a start until it was ready",
    attributes: [],
    advice: { explicitBucketBoundaries: startBoundaries },
  },
  healthMisses: {
    name: "servehttp.plugin.health.misses",
    kind: "counter",
    unit: "{check}",
    description: "Health checks that the plugin has not answered in time",
    attributes: [],
  },
  memory: {
    name: "servehttp.plugin.memory.usage",
    kind: "up-down counter",
    unit: "By",
    description:
      "Resident memory of the plugin's processes, and of those that they started; on Linux, for plugins that the host starts",
    attributes: [],
  },
  cpu: {
    name: "servehttp.plugin.cpu.time",
    kind: "counter",
    unit: "s",
    description: "Processor time of the same processes",
    attributes: [],
  },
} as const satisfies Readonly<Record<string, MetricDefinition>>;

/** The names under which the code knows the metrics. */
export type MetricKey = keyof typeof metricDefinitions;
