import { MeterProvider, MetricReader } from "@opentelemetry/sdk-metrics";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { describe, expect, it } from "vitest";
import { prometheusText } from "./prometheus-text.js";

class TestReader extends MetricReader {
  protected override async onShutdown(): Promise<void> {}
  protected override async onForceFlush(): Promise<void> {}
}

async function textOf(accept: string) {
  const reader = new TestReader();
  const resource = resourceFromAttributes({ "service.name": "a" });
  const meter = new MeterProvider({ readers: [reader], resource }).getMeter("test");
  const duration = meter.createHistogram("http.server.request.duration", {
    unit: "s",
    description: "How long",
    advice: { explicitBucketBoundaries: [0.5, 1] },
  });
  duration.record(0.25, { "plugin.id": 'a"b\\c\nd' });
  duration.record(2, { "plugin.id": 'a"b\\c\nd' });
  meter.createCounter("restarts", { unit: "{restart}", description: "How often" }).add(3);
  meter.createCounter("sent", { unit: "By" }).add(1);
  meter.createUpDownCounter("queue", { unit: "{request}" }).add(-2);
  const { resourceMetrics } = await reader.collect();
  return prometheusText(resourceMetrics, accept);
}

describe("metrics as text", () => {
  it("are in Prometheus' own format, with units in names", async () => {
    expect(await textOf("*/*")).toEqual({
      contentType: "text/plain; version=0.0.4; charset=utf-8",
      text: `# TYPE target_info gauge
# HELP target_info The host
target_info{service_name="a"} 1
# TYPE http_server_request_duration_seconds histogram
# HELP http_server_request_duration_seconds How long
http_server_request_duration_seconds_bucket{plugin_id="a\\"b\\\\c\\nd",le="0.5"} 1
http_server_request_duration_seconds_bucket{plugin_id="a\\"b\\\\c\\nd",le="1"} 1
http_server_request_duration_seconds_bucket{plugin_id="a\\"b\\\\c\\nd",le="+Inf"} 2
http_server_request_duration_seconds_sum{plugin_id="a\\"b\\\\c\\nd"} 2.25
http_server_request_duration_seconds_count{plugin_id="a\\"b\\\\c\\nd"} 2
# TYPE restarts_total counter
# HELP restarts_total How often
restarts_total 3
# TYPE sent_bytes_total counter
# HELP sent_bytes_total 
sent_bytes_total 1
# TYPE queue gauge
# HELP queue 
queue -2
`,
    });
  });

  it("are in OpenMetrics where the scraper asks for it", async () => {
    const { contentType, text } = await textOf(
      "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3",
    );
    expect(contentType).toBe("application/openmetrics-text; version=1.0.0; charset=utf-8");
    expect(text).toContain("# TYPE target info\n");
    expect(text).toContain(
      "# TYPE http_server_request_duration_seconds histogram\n# UNIT http_server_request_duration_seconds seconds\n",
    );
    expect(text).toContain('le="1.0"');
    expect(text).toContain(
      "# TYPE restarts counter\n# HELP restarts How often\nrestarts_total 3\n",
    );
    expect(text.endsWith("# EOF\n")).toBe(true);
  });
});
