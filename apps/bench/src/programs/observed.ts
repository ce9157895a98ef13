import { fork } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
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
      const port = await startCollector();
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

/** Starts a collector in a process of its own, as they are. Returns its port. */
async function startCollector(): Promise<number> {
  const program = fileURLToPath(new URL("./collector.js", import.meta.url));
  const collector = fork(program, { execArgv: [] });
  const [{ port }] = (await once(collector, "message")) as [{ readonly port: number }];
  collector.unref();
  collector.channel?.unref();
  return port;
}
