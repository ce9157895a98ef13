import { ServeHTTPError } from "@servehttp/host-bridge";
import type { Plugin, PluginDetail, PluginList } from "../api/plugin.js";
import { CallProblem } from "../answer/call-problem.js";
import { type AdminContext, type CallInput, knownPlugin } from "./call-context.js";
import { actOnPlugin, type PluginAction } from "./plugin-action.js";

/** How many samples are wanted. */
interface SamplesQuery {
  readonly samples: number;
}

export function listPlugins(
  { recorder }: AdminContext,
  { query }: CallInput<SamplesQuery>,
): PluginList {
  return { plugins: [...recorder.plugins(query.samples)] };
}

export function getPlugin(
  context: AdminContext,
  { parameters, query }: CallInput<SamplesQuery>,
): PluginDetail {
  const { id } = knownPlugin(context, parameters["id"]);
  return context.recorder.plugin(id, query.samples) as PluginDetail;
}

/**
 * Does something to a plugin, and answers with what it is then.
 *
 * @throws CallProblem where that can't be done now, or the plugin does not start
 */
export async function act(
  context: AdminContext,
  { parameters }: CallInput,
  action: PluginAction,
): Promise<Plugin> {
  const { host, recorder } = context;
  const before = knownPlugin(context, parameters["id"]);
  const { id, state } = before;
  if (state === "in-process") {
    const detail = `plugin ${id} is a handler in the host's own process: there is nothing to ${action}`;
    throw new CallProblem("wrong-state", detail);
  }
  try {
    await recorder.because(id, `${action} by the admin API`, () => actOnPlugin(host, id, action));
  } catch (thrown) {
    throw actionProblem(context, id, thrown);
  }
  return recorder.json(knownPlugin(context, id));
}

function actionProblem({ recorder }: AdminContext, id: string, thrown: unknown): CallProblem {
  const { code, message } = ServeHTTPError.from(thrown);
  switch (code) {
    case "invalid-argument":
      // It was removed meanwhile.
      return new CallProblem("wrong-state", message);
    case "unavailable":
      return new CallProblem("wrong-state", `${message}; start it first`);
    case "host-stopping":
      return new CallProblem("wrong-state", `plugin ${id}: ${message} meanwhile`);
    default: {
      const stderr = [...(recorder.status(id)?.failures.at(-1)?.stderr ?? [])];
      return new CallProblem("plugin-failed", message, { stderr });
    }
  }
}
