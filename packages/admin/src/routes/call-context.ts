import type { PluginHost, PluginStatus } from "@servehttp/host-bridge";
import { CallProblem } from "../answer/call-problem.js";
import type { AdminRequest, AdminResponse } from "../answer/node-types.js";
import type { OpenStreams } from "../answer/open-streams.js";
import type { HostRecorder } from "../record/host-recorder.js";

/** What calls are answered from. */
export interface AdminContext {
  readonly host: PluginHost;
  readonly recorder: HostRecorder;
  readonly streams: OpenStreams;
  /** Ids of the plugins that have to be ready; undefined: all of them. */
  readonly required: readonly string[] | undefined;
  /** Whether the application takes requests. */
  readonly isReady: () => boolean;
  /** Answers `/metrics`. */
  readonly metrics: ((request: AdminRequest, response: AdminResponse) => unknown) | undefined;
}

/** One call with what it says. */
export interface CallInput<Query = unknown> {
  readonly request: AdminRequest;
  readonly response: AdminResponse;
  readonly parameters: Readonly<Record<string, string>>;
  readonly query: Query;
  /** Whether it has shown the token. */
  readonly isTrusted: boolean;
}

/** @throws CallProblem where there is no plugin of this id, with those that there are */
export function knownPlugin({ host, recorder }: AdminContext, id = ""): PluginStatus {
  const status = recorder.status(id);
  if (status === undefined) {
    const plugins = host.plugins.map((plugin) => plugin.id);
    const detail = `there is no plugin ${JSON.stringify(id)}; there are ${plugins.join(", ") || "none"}`;
    throw new CallProblem("unknown-plugin", detail, { plugins });
  }
  return status;
}
