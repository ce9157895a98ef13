import { byId, element } from "./element.js";
import * as format from "./format.js";
import { repeat } from "./repeat.js";

const looks = { ready: "good", running: "good", failed: "bad", "given-up": "bad" };

/** Shows the host and its plugins, asked for once a second. */
export function showProcesses() {
  void repeat(refresh, () => {
    byId("host-line").textContent = "the host does not answer";
  });
}

async function refresh() {
  const response = await fetch("/host");
  const { host, plugins, dataDirectory } = await response.json();
  byId("host-line").textContent =
    `host: process ${host.pid}, ${format.bytes(host.memoryBytes)}, up for ${format.duration(Date.now() - host.sinceUnixMs)}`;
  byId("data-directory").textContent = dataDirectory;
  byId("processes").replaceChildren(...plugins.map(rowOf));
  return 1000;
}

function rowOf(plugin) {
  const state = element(
    "span",
    { class: `state ${looks[plugin.state] ?? "waiting"}` },
    plugin.state,
  );
  const upMs = plugin.sinceUnixMs === null ? null : Date.now() - plugin.sinceUnixMs;
  return element(
    "tr",
    {},
    element("td", { class: "plugin-name" }, plugin.id),
    element("td", {}, state),
    figure("process", plugin.pid),
    figure("carrier", plugin.carrier, "text"),
    figure("in flight", plugin.inFlight),
    figure("restarts", plugin.restarts),
    figure("up for", upMs === null ? null : format.duration(upMs)),
  );
}

function figure(label, value, kind = "number") {
  return element("td", { class: kind, "data-label": label }, String(value ?? "–"));
}
