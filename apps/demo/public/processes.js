import { ask, tellFailure } from "./ask.js";
import { byId, element } from "./element.js";
import * as format from "./format.js";
import { repeat } from "./repeat.js";

const looks = { ready: "good", "backing-off": "bad", failed: "bad", stopped: "bad" };

/**
 * Shows the host and its plugins, asked for once a second; lets each be killed, to see it come
 * back.
 */
export function showProcesses() {
  const rows = new Map();
  const refresh = async () => {
    const { host, plugins, dataDirectory } = await ask("/host");
    byId("host-line").textContent =
      `host: process ${host.pid}, ${format.bytes(host.memoryBytes)}, up for ${format.duration(Date.now() - host.sinceUnixMs)}`;
    byId("data-directory").textContent = dataDirectory;
    for (const plugin of plugins) {
      if (!rows.has(plugin.id)) {
        rows.set(plugin.id, new Row(plugin.id));
      }
      rows.get(plugin.id).show(plugin);
    }
    return 1000;
  };
  void repeat(refresh, () => {
    byId("host-line").textContent = "the host does not answer";
  });
}

/** One plugin's row. It stays while its cells change, so that nobody's focus or click is lost. */
class Row {
  #state = element("span");
  #figures = new Map();
  #kill;

  constructor(id) {
    const figure = (label, kind = "number") => {
      const cell = element("td", { class: kind, "data-label": label });
      this.#figures.set(label, cell);
      return cell;
    };
    this.#kill = element("button", {
      class: "quiet",
      type: "button",
      textContent: "Kill",
      "aria-label": `Kill the process of ${id}`,
      onclick: () =>
        void tellFailure("kill-status", kill(id, this.#figures.get("process").textContent)),
    });
    byId("processes").append(
      element(
        "tr",
        {},
        element("td", { class: "plugin-name" }, id),
        element("td", {}, this.#state),
        figure("process"),
        figure("carrier", "text"),
        figure("in flight"),
        figure("restarts"),
        figure("for"),
        element("td", { class: "number" }, this.#kill),
      ),
    );
  }

  show({ state, pid, carrier, inFlight, restarts, sinceUnixMs }) {
    this.#state.className = `state ${looks[state] ?? "waiting"}`;
    this.#state.textContent = state;
    this.#kill.disabled = state !== "ready";
    const figures = {
      process: pid,
      carrier,
      "in flight": inFlight,
      restarts,
      for: format.duration(Date.now() - sinceUnixMs),
    };
    for (const [label, value] of Object.entries(figures)) {
      this.#figures.get(label).textContent = String(value ?? "–");
    }
  }
}

async function kill(plugin, pid) {
  await ask("/host/kill", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ plugin }),
  });
  byId("kill-status").textContent =
    `Process ${pid} of ${plugin} is killed. The host starts another; requests wait for it.`;
}
