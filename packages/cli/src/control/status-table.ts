import type { HostStatus } from "./control-api.js";
import { textTable } from "../output/text-table.js";

/** What a host says of itself, for people. */
export function statusLines(status: HostStatus): readonly string[] {
  const { version, pid, since, directory, config, urls, workers, plugins } = status;
  const rows = plugins.map((plugin) => [
    plugin.id,
    plugin.state,
    String(plugin.pid ?? "-"),
    String(plugin.inFlight),
    String(plugin.restarts),
    plugin.carrier ?? "-",
    plugin.failures.at(-1)?.message ?? "",
  ]);
  return [
    `servehttp ${version}, process ${pid}, since ${since}, in ${directory}`,
    `config: ${config ?? "none"}`,
    ...workers.map(
      (worker, index) => `worker ${index + 1}: ${worker.state}, process ${worker.pid || "-"}`,
    ),
    ...urls.map((url) => `listening on ${url}`),
    ...textTable([
      ["plugin", "state", "pid", "in flight", "restarts", "carrier", "last failure"],
      ...rows,
    ]),
  ];
}
