import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createMetrics } from "@servehttp/admin/metrics";
import { createTraces } from "@servehttp/admin/traces";
import type { HostOptions } from "@servehttp/host-bridge";

/** What a host of the bench does beside its requests. */
export type Watched = "nothing" | "metrics and access log" | "traces at 1 %";

/** The argument that says which. */
export const watchedFlag = "--watched=";

/** The options with which a host is observed. */
export async function observed(watched: string): Promise<HostOptions> {
  switch (watched) {
    case "nothing":
      return {};
    case "metrics and access log": {
      const { meterProvider } = await createMetrics();
      const directory = mkdtempSync(join(tmpdir(), "servehttp-bench-"));
      process.once("exit", () => rmSync(directory, { recursive: true, force: true }));
      return { meterProvider, accessLog: { to: join(directory, "access.log") } };
    }
    case "traces at 1 %": {
      // A collector that takes everything.
      const collector = createServer((request, response) => {
        request.resume().on("end", () => response.end());
      });
      collector.listen(0, "127.0.0.1").unref();
      await once(collector, "listening");
      const { port } = collector.address() as AddressInfo;
      process.env["OTEL_EXPORTER_OTLP_ENDPOINT"] = `http://127.0.0.1:${port}`;
      process.env["OTEL_TRACES_SAMPLER"] = "parentbased_traceidratio";
      process.env["OTEL_TRACES_SAMPLER_ARG"] = "0.01";
      const traces = await createTraces();
      return { tracerProvider: traces?.tracerProvider };
    }
    default:
      throw new Error(`nobody can observe ${JSON.stringify(watched)}`);
  }
}
