import type { PluginHost } from "@servehttp/host-bridge";
import { AccessToken } from "./access/access-token.js";
import { type AccessRules, checkAccess, mayAccess } from "./access/check-access.js";
import { type AdminOptions, checkAdminOptions } from "./admin-options.js";
import { answerProblem } from "./answer/answer.js";
import { CallProblem } from "./answer/call-problem.js";
import type { AdminRequest, AdminResponse } from "./answer/node-types.js";
import { OpenStreams } from "./answer/open-streams.js";
import { issueText } from "./answer/read-body.js";
import type { Call } from "./api/calls.js";
import { sampleIntervalMs } from "./limits.js";
import { servePage } from "./page/serve-page.js";
import { HostRecorder } from "./record/host-recorder.js";
import { answerCall } from "./routes/answer-call.js";
import type { AdminContext } from "./routes/call-context.js";
import { findCall } from "./routes/find-call.js";

/** An admin of a host: a listener for Node's HTTP servers, or middleware at a prefix. */
export interface Admin extends Disposable {
  (this: void, request: AdminRequest, response: AdminResponse): void;
  /** Ends event streams, and looks at the host no more. Other calls are still answered. */
  close(): void;
}

/**
 * Makes an admin of a host: an API that tells what the host does and acts on it, `/healthz`,
 * `/readyz`, `/metrics`, and the dashboard at `/`.
 *
 * ```ts
 * const admin = createAdmin(host, { token });
 * createServer(admin).listen(9090, "127.0.0.1");
 * ```
 *
 * From now on it keeps the last five minutes of each plugin, and its log's last lines.
 *
 * @throws ServeHTTPError `invalid-argument`, one line, for a token that is missing or can be guessed,
 *   and for other options that can't be right
 */
export function createAdmin(host: PluginHost, options: AdminOptions): Admin {
  checkAdminOptions(options);
  const { isReady = () => true, metrics, required } = options;
  const rules: AccessRules = {
    token: options.token === false ? undefined : new AccessToken(options.token),
    hosts: options.hosts ?? [],
  };
  const recorder = new HostRecorder(host, (id) => required?.includes(id) ?? true);
  const streams = new OpenStreams();
  const context: AdminContext = { host, recorder, streams, required, isReady, metrics };
  const sample = () => recorder.sample(performance.now(), Date.now());
  sample();
  const timer = setInterval(sample, sampleIntervalMs).unref();
  const close = () => {
    clearInterval(timer);
    recorder[Symbol.dispose]();
    streams.end();
  };
  const listener = (request: AdminRequest, response: AdminResponse): void => {
    serve(context, rules, request, response).catch((thrown: unknown) => {
      if (!(thrown instanceof CallProblem)) {
        tellDefect(options, request, thrown);
      }
      answerProblem(response, CallProblem.from(thrown));
    });
  };
  return Object.assign(listener, { close, [Symbol.dispose]: close });
}

async function serve(
  context: AdminContext,
  rules: AccessRules,
  request: AdminRequest,
  response: AdminResponse,
): Promise<void> {
  const [path = "/", search = ""] = (request.url ?? "/").split(/\?(.*)/s);
  if (await servePage(request, response, path)) {
    return;
  }
  const { call, id, parameters } = findCall(request.method ?? "GET", path);
  const isOpen = call.access === "anyone";
  if (!isOpen) {
    checkAccess(request, rules, call.method !== "get");
  }
  const query = readQuery(call, new URLSearchParams(search));
  const isTrusted = !isOpen || mayAccess(request, rules);
  await answerCall(id, context, { request, response, parameters, query, isTrusted });
}

function readQuery({ query }: Call, given: URLSearchParams): unknown {
  const checked = query?.strict().safeParse(Object.fromEntries(given));
  if (checked?.success === false) {
    throw new CallProblem("bad-request", issueText(checked.error, "the query"));
  }
  return checked?.data;
}

/** Something of the admin's own, or the application's `metrics`, has thrown. */
function tellDefect(
  { logger }: AdminOptions,
  { method, url }: AdminRequest,
  thrown: unknown,
): void {
  const err = thrown instanceof Error ? thrown : new Error(String(thrown));
  if (logger === undefined) {
    process.emitWarning(err);
  } else {
    logger.error({ err, method, url }, "the admin failed to answer");
  }
}
