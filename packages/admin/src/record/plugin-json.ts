import type { PluginFailure, PluginStatus } from "@servehttp/host-bridge";
import type { Failure, Plugin } from "../api/plugin.js";

/** A plugin as the API tells of it. */
export function pluginJson(status: PluginStatus, isRequired: boolean): Plugin {
  const { id, state, since, pid, carrier, restarts, inFlight, tunnels, waiting, outcomes } = status;
  return {
    id,
    state,
    isRequired,
    since: since.toISOString(),
    pid: pid ?? null,
    carrier: carrier ?? null,
    restarts,
    inFlight,
    tunnels,
    waiting,
    outcomes,
    failures: status.failures.map(failureJson),
    instances: status.instances.map(instanceJson),
  };
}

function instanceJson({
  inFlight,
  name,
  state,
}: PluginStatus["instances"][number]): Plugin["instances"][number] {
  return { name, state, inFlight };
}

export function failureJson({
  at,
  code,
  message,
  exitCode,
  signal,
  stderr,
}: PluginFailure): Failure {
  return {
    at: at.toISOString(),
    code,
    message,
    exitCode: exitCode ?? null,
    signal: signal ?? null,
    stderr: [...stderr],
  };
}
