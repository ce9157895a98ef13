import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { SimpleSpanProcessor, TracerProvider } from "@opentelemetry/sdk-trace";
import { createPluginHost } from "@servehttp/host-bridge";
import { expect, it } from "vitest";
import { type SeenSpan, spansOf, treeOf } from "./trace-tree.js";

type LogRecord = Readonly<Record<string, unknown>>;

async function listening(server: Server): Promise<string> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

it("makes one trace of a request, what its plugin fetches, and the plugin that it calls", async () => {
  const spans: SeenSpan[] = [];
  const collector = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      spans.push(...spansOf(Buffer.concat(chunks).toString()));
      response.setHeader("content-type", "application/json").end("{}");
    });
  });
  const fetched: unknown[] = [];
  const outside = createServer((request, response) => {
    fetched.push(request.headers["traceparent"]);
    response.end("outside");
  });
  const endpoint = await listening(collector);
  const OUTSIDE = await listening(outside);
  const tracerProvider = new TracerProvider({
    resource: resourceFromAttributes({ "service.name": "host" }),
    spanProcessors: [
      new SimpleSpanProcessor({
        exporter: new OTLPTraceExporter({ url: `${endpoint}/v1/traces` }),
      }),
    ],
  });
  const plugin = (name: string, file: string) => ({
    command: [process.execPath, "--import", programAt("set-up-tracing.js"), programAt(file)],
    env: { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, OTEL_SERVICE_NAME: name, OUTSIDE },
  });
  const records: LogRecord[] = [];
  const log = (details: LogRecord, message: string) => void records.push({ ...details, message });
  await using host = createPluginHost({
    plugins: {
      notes: { ...plugin("notes", "calling-plugin.js"), mayCall: ["search"] },
      search: plugin("search", "called-plugin.js"),
    },
    tracerProvider,
    logger: { debug: log, info: log, warn: log, error: log },
  });
  const server = host.attach(createServer());
  try {
    await host.start();
    const response = await fetch(`${await listening(server)}/plugins/notes/a`);
    expect(await response.text()).toBe("found");
    await expect.poll(() => spans.length, { timeout: 20_000 }).toBe(6);
    expect(treeOf(spans)).toEqual([
      "host: GET /plugins/notes/* (server)",
      "  notes: GET (server)",
      "    notes: GET (client)",
      "    notes: GET search (client)",
      "      host: GET /plugins/search/* (server)",
      "        search: GET (server)",
    ]);
    const [{ traceId } = { traceId: "" }] = spans;
    const own = spans.find(({ kind, service }) => service === "notes" && kind === 2);
    const asked = spans.find(({ kind, name }) => name === "GET" && kind === 3);
    expect(fetched).toEqual([`00-${traceId}-${asked?.spanId}-01`]);
    const isOfPlugin = ({ message }: LogRecord) => message === "asks";
    await expect.poll(() => records.find(isOfPlugin)).toBeDefined();
    expect(records.find(isOfPlugin)).toMatchObject({
      plugin: "notes",
      trace_id: traceId,
      span_id: own?.spanId,
    });
  } finally {
    for (const one of [server, collector, outside]) {
      one.close();
      one.closeAllConnections();
    }
    await tracerProvider.shutdown();
  }
});

/** The program as it was built. */
function programAt(name: string): string {
  return fileURLToPath(new URL(`../../dist/traces/${name}`, import.meta.url));
}
