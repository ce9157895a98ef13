import type { MeterProvider } from "@opentelemetry/api";
import { describe, expect, it } from "vitest";
import { type CollectedMetrics, countedMetrics, sumOfMetrics } from "./collected-metrics.js";
import { createMetrics, type Metrics } from "./create-metrics.js";

/** A host that has served so many requests, one of which is open, with a plugin that is ready. */
async function hostWith(requests: number): Promise<Metrics> {
  const metrics = await createMetrics({ environment: {} });
  measure(metrics.meterProvider, requests);
  return metrics;
}

function measure(provider: MeterProvider, requests: number): void {
  const meter = provider.getMeter("test");
  const duration = meter.createHistogram("http.server.request.duration", {
    unit: "s",
    advice: { explicitBucketBoundaries: [1] },
  });
  for (let index = 0; index < requests; index += 1) {
    duration.record(index % 2 === 0 ? 0.5 : 2, { status: 200 });
  }
  meter.createCounter("servehttp.exchange.outcomes").add(requests, { outcome: "ok" });
  meter.createUpDownCounter("http.server.active_requests").add(1);
  meter.createUpDownCounter("servehttp.plugin.state").add(1, { state: "ready" });
  meter.createUpDownCounter("servehttp.instances").add(1, { state: "ready" });
  meter.createCounter("servehttp.instance.ejections").add(1);
}

/** As it comes out of a channel between processes. */
function sent(metrics: CollectedMetrics): CollectedMetrics {
  return JSON.parse(JSON.stringify(metrics)) as CollectedMetrics;
}

async function scraped(metrics: Metrics): Promise<readonly string[]> {
  const text = Promise.withResolvers<string>();
  const response = { setHeader: () => undefined, end: text.resolve };
  metrics.listener({ headers: {}, method: "GET" } as never, response as never);
  return (await text.promise).split("\n").filter((line) => /^(http|servehttp)/.test(line));
}

describe("metrics of several hosts", () => {
  it("are added up, but for what the supervisor says of a plugin", async () => {
    await using first = await hostWith(2);
    await using second = await hostWith(3);
    const workers = async () => [sent(await first.collect()), sent(await second.collect())];
    await using supervisor = await createMetrics({ environment: {}, workers });
    measure(supervisor.meterProvider, 1);
    expect(await scraped(supervisor)).toEqual([
      'servehttp_exchange_outcomes_total{outcome="ok"} 6',
      "http_server_active_requests 3",
      'servehttp_plugin_state{state="ready"} 1',
      'servehttp_instances{state="ready"} 1',
      "servehttp_instance_ejections_total 3",
      'http_server_request_duration_seconds_bucket{status="200",le="1"} 4',
      'http_server_request_duration_seconds_bucket{status="200",le="+Inf"} 6',
      'http_server_request_duration_seconds_sum{status="200"} 6',
      'http_server_request_duration_seconds_count{status="200"} 6',
    ]);
  });

  it("are there where the supervisor itself has served nothing", async () => {
    await using worker = await hostWith(2);
    const workers = async () => [sent(await worker.collect())];
    await using supervisor = await createMetrics({ environment: {}, workers });
    supervisor.meterProvider.getMeter("test").createCounter("servehttp.other").add(1);
    expect(await scraped(supervisor)).toContain("http_server_active_requests 1");
    expect(await scraped(supervisor)).toContain(
      'http_server_request_duration_seconds_count{status="200"} 2',
    );
  });

  it("keep what a host has counted that ended, and nothing of what was open", async () => {
    await using worker = await hostWith(4);
    const { metrics } = sumOfMetrics([countedMetrics(await worker.collect())]);
    expect(metrics.map(({ descriptor }) => descriptor.name)).toEqual([
      "servehttp.exchange.outcomes",
      "servehttp.instance.ejections",
      "http.server.request.duration",
    ]);
  });
});
