import type { AdminApi, Diagnosis } from "../api/admin-api.js";
import { confirm } from "../parts/confirm-dialog.js";
import { saveFile } from "../parts/save-file.js";
import { tell } from "../parts/notices.js";
import type { WatchedPlugin } from "../watch/watched-plugin.js";

interface DiagnosisWords {
  readonly label: string;
  readonly doing: string;
  readonly text: string;
  readonly extension: string;
}

const words: Readonly<Record<Diagnosis, DiagnosisWords>> = {
  "cpu-profile?seconds=5": {
    label: "CPU profile",
    doing: "The processor time is being measured for five seconds …",
    text: "For five seconds, it writes down where the process spends its time. Requests go on as usual.",
    extension: "cpuprofile",
  },
  "heap-snapshot": {
    label: "Heap snapshot",
    doing: "The memory is being written down …",
    text: "The process stands still until it is taken, and the file has all that is in its memory, secrets among it.",
    extension: "heapsnapshot",
  },
};

const diagnoses = [
  "cpu-profile?seconds=5",
  "heap-snapshot",
] as const satisfies readonly Diagnosis[];

/** Files for Chrome DevTools that tell what a plugin's process does, and what it keeps. */
export function PluginDiagnostics(props: {
  readonly api: AdminApi;
  readonly plugin: WatchedPlugin;
}) {
  const { api, plugin } = props;
  const isPossible = plugin.status.value.state === "ready";
  const take = async (diagnosis: Diagnosis) => {
    const { label, doing, text, extension } = words[diagnosis];
    const { id } = plugin;
    if (await confirm({ title: `${label} of ${id}?`, text, action: "Take it" })) {
      await tell(doing, `The ${label} of ${id} is among your downloads.`, async () =>
        saveFile(await api.diagnose(id, diagnosis), `${id}.${extension}`),
      );
    }
  };
  return (
    <section aria-labelledby="diagnostics">
      <h2 id="diagnostics">Inside the process</h2>
      <p class="soft">
        For plugins on the Node SDK that this host has started. The files open in Chrome DevTools.
      </p>
      <div class="buttons">
        {diagnoses.map((diagnosis) => (
          <button
            key={diagnosis}
            type="button"
            aria-disabled={!isPossible}
            onClick={() => isPossible && void take(diagnosis)}
          >
            {words[diagnosis].label}
          </button>
        ))}
      </div>
    </section>
  );
}
