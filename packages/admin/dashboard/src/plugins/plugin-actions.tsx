import type { AdminApi, PluginAction } from "../api/admin-api.js";
import { formatMany } from "../model/format.js";
import { confirm } from "../parts/confirm-dialog.js";
import { tell } from "../parts/notices.js";
import type { WatchedPlugin } from "../watch/watched-plugin.js";

const actions = ["reload", "restart", "stop", "start"] as const satisfies readonly PluginAction[];

interface ActionWords {
  readonly label: string;
  readonly doing: string;
  readonly done: string;
  readonly text: (open: number) => string;
}

const openText = (open: number) =>
  open === 0 ? "No request is open now." : `${formatMany(open, "request")} open now.`;

const words: Readonly<Record<PluginAction, ActionWords>> = {
  reload: {
    label: "Reload",
    doing: "is reloading",
    done: "is reloaded",
    text: () =>
      "A new process starts and takes over once it is ready. No request is lost. If it does not start, the old one stays.",
  },
  restart: {
    label: "Restart",
    doing: "is restarting",
    done: "is restarted",
    text: (open) =>
      `Its process finishes what is open, ends, and a new one starts. Requests wait meanwhile. ${openText(open)}`,
  },
  stop: {
    label: "Stop",
    doing: "is stopping",
    done: "is stopped",
    text: (open) =>
      `Its process finishes what is open and ends. Then clients are answered 503 until you start it. ${openText(open)}`,
  },
  start: {
    label: "Start",
    doing: "is starting",
    done: "is started",
    text: () => "Its process starts now, and takes requests once it is ready.",
  },
};

/** Which of them a state allows. The buttons of the others stay where they are, and do nothing. */
const allowed: Readonly<Record<string, readonly PluginAction[]>> = {
  stopped: ["start"],
  failed: ["reload", "start"],
  "backing-off": ["reload", "stop", "start"],
};

/** The buttons of a plugin. */
export function PluginActions(props: { readonly api: AdminApi; readonly plugin: WatchedPlugin }) {
  const { api, plugin } = props;
  const { state, inFlight } = plugin.status.value;
  const act = async (action: PluginAction) => {
    const { label, doing, done, text } = words[action];
    const { id } = plugin;
    if (await confirm({ title: `${label} ${id}?`, text: text(inFlight), action: label })) {
      await tell(`${id} ${doing} …`, `${id} ${done}.`, () => api.act(id, action));
    }
  };
  if (state === "in-process") {
    return (
      <p class="soft">
        It runs in the host’s own process, so that it starts and stops with the host.
      </p>
    );
  }
  const possible = allowed[state] ?? ["reload", "restart", "stop"];
  return (
    <div class="buttons">
      {actions.map((action) => {
        const isPossible = possible.includes(action);
        return (
          <button
            key={action}
            type="button"
            aria-disabled={!isPossible}
            onClick={() => isPossible && void act(action)}
          >
            {words[action].label}
          </button>
        );
      })}
    </div>
  );
}
