import type { PluginStatus } from "@servehttp/host-bridge";
import type { Health, HostInfo } from "../api/host.js";
import { type LogLevel, logLevelSchema } from "../api/log.js";
import { CallProblem } from "../answer/call-problem.js";
import { readBody } from "../answer/read-body.js";
import type { AdminContext, CallInput } from "./call-context.js";

export function getHost(context: AdminContext): HostInfo {
  const { host, metrics } = context;
  return {
    pid: process.pid,
    node: process.version,
    startedAt: new Date(performance.timeOrigin).toISOString(),
    memoryBytes: process.memoryUsage.rss(),
    isReady: context.isReady() && notReady(context).length === 0,
    logLevel: host.logLevel ?? null,
    hasMetrics: metrics !== undefined,
  };
}

/** @throws CallProblem where the host's logger has no level */
export async function setLogLevel(
  { host }: AdminContext,
  { request }: CallInput,
): Promise<LogLevel> {
  const { level } = await readBody(request, logLevelSchema);
  if (!host.setLogLevel(level)) {
    throw new CallProblem("not-supported", "the host's logger has no level that can be set");
  }
  return { level };
}

export function getHealth(): Health {
  return { status: "ok" };
}

export function getReadiness(context: AdminContext, { isTrusted }: CallInput): Health {
  const late = notReady(context);
  if (late.length === 0 && context.isReady()) {
    return { status: "ok" };
  }
  return isTrusted ? { status: "not-ready", notReady: late } : { status: "not-ready" };
}

/** @throws CallProblem where the host has none */
export async function getMetrics(
  { metrics }: AdminContext,
  { request, response }: CallInput,
): Promise<void> {
  if (metrics === undefined) {
    throw new CallProblem("unknown-path", "no metrics here: give createAdmin the option metrics");
  }
  await metrics(request, response);
}

/** The required plugins that are not ready; one that is required and not there is not ready. */
function notReady({ host, required }: AdminContext): string[] {
  const ready = new Set(host.plugins.filter(isReady).map(({ id }) => id));
  return (required ?? host.plugins.map(({ id }) => id)).filter((id) => !ready.has(id));
}

function isReady({ state }: PluginStatus): boolean {
  return state === "ready" || state === "in-process";
}
