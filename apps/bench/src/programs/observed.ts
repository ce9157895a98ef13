import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createMetrics } from "@servehttp/admin/metrics";
import type { HostOptions } from "@servehttp/host-bridge";

/** What a host of the bench does beside its requests. */
export type Watched = "nothing" | "metrics and access log";

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
    default:
      throw new Error(`nobody can observe ${JSON.stringify(watched)}`);
  }
}
