import { wantsExport } from "@servehttp/admin/command";
import type { Environment, Metrics, MetricsOptions } from "@servehttp/admin/metrics";
import { type Logger, ServeHTTPError } from "@servehttp/host-bridge";
import { saidWrong } from "../context/command-error.js";

/**
 * What collects the host's metrics: for the admin, and for a collector where the environment asks for
 * it. Undefined where neither wants any.
 *
 * @param workers gives what workers have measured
 *
 * @throws CommandError for a variable that asks for what there is not
 */
export async function openMetrics(
  hasAdmin: boolean,
  environment: Environment,
  logger: Pick<Logger, "warn">,
  workers?: MetricsOptions["workers"],
): Promise<Metrics | undefined> {
  if (!hasAdmin && !wantsExport(environment, "METRICS")) {
    return undefined;
  }
  // The SDK takes as long to load as the rest of a host.
  const { createMetrics } = await import("@servehttp/admin/metrics");
  try {
    return await createMetrics({ environment, logger, ...(workers && { workers }) });
  } catch (thrown) {
    if (thrown instanceof ServeHTTPError && thrown.code === "invalid-argument") {
      throw saidWrong(thrown.message, thrown);
    }
    throw thrown;
  }
}
