import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { gunzipSync } from "node:zlib";
import { until } from "@servehttp/testkit";
import { afterEach, describe, expect, it, vi } from "vitest";
import { RunningHost } from "../test-rig/running-host.js";
import { createMetrics, type MetricsOptions } from "./create-metrics.js";

afterEach(() => vi.unstubAllEnvs());

async function listening(listener: (request: IncomingMessage, response: ServerResponse) => void) {
  const server = createServer(listener).listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    [Symbol.dispose]: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

/** A host whose metrics go to a collector at this address, if there is one. */
async function measured(collector?: string, options: Pick<MetricsOptions, "logger"> = {}) {
  const environment = {
    ...(collector !== undefined && { OTEL_EXPORTER_OTLP_ENDPOINT: collector }),
    OTEL_METRIC_EXPORT_INTERVAL: "20",
    OTEL_SERVICE_NAME: "a-service",
  };
  for (const [name, value] of Object.entries(environment)) {
    vi.stubEnv(name, value);
  }
  const metrics = await createMetrics({ environment, ...options });
  const running = await RunningHost.start(
    { serveHTTP: (_request, response) => response.end("hello") },
    { meterProvider: metrics.meterProvider },
  );
  const ask = async () => await (await fetch(`${running.url}/`)).text();
  return { metrics, ask, [Symbol.asyncDispose]: () => running[Symbol.asyncDispose]() };
}

describe("metrics of a host", () => {
  it("are answered to scrapers, exactly", async () => {
    await using host = await measured();
    using server = await listening(host.metrics.listener);
    for (const _ of Array.from({ length: 3 })) {
      await host.ask();
    }
    const scrape = await fetch(server.url);
    expect(scrape.headers.get("content-type")).toMatch(/^text\/plain; version=0\.0\.4/);
    const text = await scrape.text();
    const set =
      'http_request_method="GET",url_scheme="http",servehttp_plugin_id="notes",network_protocol_version="1.1",http_response_status_code="200"';
    expect(text).toContain(`http_server_request_duration_seconds_count{${set}} 3\n`);
    expect(text).toContain(`http_server_response_body_size_bytes_sum{${set}} 15\n`);
    expect(text).toContain(
      'servehttp_exchange_outcomes_total{servehttp_plugin_id="notes",servehttp_outcome="ok"} 3\n',
    );
    expect(text).toContain('service_name="a-service"');
    const headers = { accept: "application/openmetrics-text" };
    expect(await (await fetch(server.url, { headers })).text()).toMatch(/# EOF\n$/);
    await host.metrics.close();
    expect((await fetch(server.url)).status).toBe(503);
  });

  it("are pushed to a collector, by the variables of OpenTelemetry", async () => {
    const pushed: { url: string | undefined; body: Buffer }[] = [];
    using collector = await listening((request, response) => {
      const chunks: Buffer[] = [];
      request.on("data", (chunk: Buffer) => chunks.push(chunk));
      request.on("end", () => {
        const body = Buffer.concat(chunks);
        const isPacked = request.headers["content-encoding"] === "gzip";
        pushed.push({ url: request.url, body: isPacked ? gunzipSync(body) : body });
        response.writeHead(200, { "content-type": "application/x-protobuf" }).end();
      });
    });
    vi.stubEnv("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip");
    await using host = await measured(collector.url);
    await host.ask();
    await until(
      () => pushed.some(({ body }) => body.includes("http.server.request.duration")),
      "the push",
    );
    expect(pushed[0]?.url).toBe("/v1/metrics");
    expect(pushed.at(-1)?.body.includes("a-service")).toBe(true);
    expect(pushed.at(-1)?.body.includes("servehttp.plugin.state")).toBe(true);
    await host.metrics.close();
  });

  it("cost a line of the log where the collector is down, and no request", async () => {
    const said: unknown[] = [];
    const logger = {
      warn: (details: object, message: string) => said.push({ ...details, message }),
    };
    let address = "";
    {
      using gone = await listening(() => undefined);
      address = gone.url;
    }
    await using host = await measured(address, { logger });
    expect(await host.ask()).toBe("hello");
    await until(() => said.length > 0, "the line");
    expect(said).toMatchObject([
      { failures: 1, message: "metrics could not be pushed to the collector" },
    ]);
    await host.metrics.close();
    expect(said).toHaveLength(1);
  });

  it("don't hold the end up where the collector never answers", async () => {
    using collector = await listening((request) => void request.resume());
    await using host = await measured(collector.url, { logger: { warn: () => undefined } });
    expect(await host.ask()).toBe("hello");
    await host.metrics.close();
    expect(await host.ask()).toBe("hello");
  });

  it.each([
    [
      { OTEL_EXPORTER_OTLP_ENDPOINT: "http://a:4317", OTEL_EXPORTER_OTLP_PROTOCOL: "grpc" },
      'OTEL_EXPORTER_OTLP_PROTOCOL: got "grpc", allowed is "http/protobuf"',
    ],
    [
      { OTEL_METRICS_EXPORTER: "otlp", OTEL_METRIC_EXPORT_INTERVAL: "1m" },
      'OTEL_METRIC_EXPORT_INTERVAL: got "1m", allowed is a whole number of milliseconds',
    ],
  ])("refuse %j", async (environment, message) => {
    await expect(createMetrics({ environment })).rejects.toThrow(message);
  });

  it.each([
    [{}],
    [{ OTEL_METRICS_EXPORTER: "none", OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:1" }],
    [{ OTEL_SDK_DISABLED: "true", OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:1" }],
  ])("push nothing with %j", async (environment) => {
    const said: string[] = [];
    const logger = { warn: (_details: object, message: string) => said.push(message) };
    await using metrics = await createMetrics({ environment, logger });
    await metrics.close();
    expect(said).toEqual([]);
  });
});
