import type { CallId } from "../api/calls.js";
import { openApi } from "../api/open-api.js";
import { answerJson, answerNothing } from "../answer/answer.js";
import type { AdminContext, CallInput } from "./call-context.js";
import { breakExchange, listExchanges } from "./exchange-calls.js";
import { takeCpuProfile, takeHeapSnapshot } from "./diagnostics-calls.js";
import { getHealth, getHost, getMetrics, getReadiness, setLogLevel } from "./host-calls.js";
import { act, getPlugin, listPlugins } from "./plugin-calls.js";
import { followEvents, followLogs } from "./stream-calls.js";

/** What answers each call. The query is what the call's schema has read. */
const answers: Readonly<
  Record<CallId, (context: AdminContext, input: CallInput<never>) => unknown>
> = {
  listPlugins: json(listPlugins),
  getPlugin: json(getPlugin),
  reloadPlugin: json((context, input) => act(context, input, "reload")),
  restartPlugin: json((context, input) => act(context, input, "restart")),
  stopPlugin: json((context, input) => act(context, input, "stop")),
  startPlugin: json((context, input) => act(context, input, "start")),
  takeHeapSnapshot,
  takeCpuProfile,
  followLogs,
  listExchanges: json(listExchanges),
  breakExchange: (context, input: CallInput) => {
    breakExchange(context, input);
    answerNothing(input.response);
  },
  followEvents,
  getHost: json(getHost),
  setLogLevel: json(setLogLevel),
  getDescription: json(openApi),
  getMetrics,
  getHealth: json(getHealth),
  getReadiness: (context, input: CallInput) => {
    const health = getReadiness(context, input);
    answerJson(input.response, health.status === "ok" ? 200 : 503, health);
  },
};

/**
 * Answers a call.
 *
 * @throws CallProblem as its answer says what was wrong
 */
export async function answerCall(
  id: CallId,
  context: AdminContext,
  input: CallInput,
): Promise<void> {
  await answers[id](context, input as CallInput<never>);
}

function json<Query>(
  answer: (context: AdminContext, input: CallInput<Query>) => object | Promise<object>,
) {
  return async (context: AdminContext, input: CallInput<Query>): Promise<void> =>
    answerJson(input.response, 200, await answer(context, input));
}
