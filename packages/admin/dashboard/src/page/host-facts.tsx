import type { LogLevel } from "@servehttp/admin";
import type { AdminApi } from "../api/admin-api.js";
import { formatAge, formatBytes } from "../model/format.js";
import { confirm } from "../parts/confirm-dialog.js";
import { tell } from "../parts/notices.js";
import type { WatchedHost } from "../watch/watched-host.js";

const levels: readonly LogLevel["level"][] = ["debug", "info", "warn", "error", "silent"];

/** The bottom of the page: the host itself, and how much it logs. */
export function HostFacts(props: { readonly api: AdminApi; readonly host: WatchedHost }) {
  const { api, host } = props;
  const info = host.info.value;
  if (info === undefined) {
    return null;
  }
  const { pid, node, startedAt, memoryBytes, logLevel } = info;
  const setLevel = async (select: HTMLSelectElement) => {
    const level = select.value as LogLevel["level"];
    const question = {
      title: `Log from ${level} on?`,
      text: "This is for the whole host, until it is changed again or the host starts anew.",
      action: "Change the level",
    };
    if (await confirm(question)) {
      await tell("Changing the level …", `The host logs from ${level} on.`, async () => {
        await api.setLogLevel(level);
        await host.refreshInfo();
      });
    }
    select.value = host.info.value?.logLevel ?? "";
  };
  const up = host.nowUnixMs.value - Date.parse(startedAt);
  return (
    <footer class="host">
      <span>Host process {pid}</span>
      <span>up for {formatAge(up)}</span>
      <span>{formatBytes(memoryBytes)} of memory</span>
      <span>Node {node}</span>
      {logLevel !== null && (
        <label>
          Logs from{" "}
          <select value={logLevel} onChange={(event) => void setLevel(event.currentTarget)}>
            {levels.map((level) => (
              <option key={level} value={level}>
                {level}
              </option>
            ))}
          </select>
        </label>
      )}
    </footer>
  );
}
