import { isThenable } from "@servehttp/contract";
import type { HostRequest, HostResponse } from "../client/node-types.js";
import type { NodeIncomingRequest } from "../node/request.js";
import type { WatchedRequest } from "../observation/watched-request.js";
import { failRequest, type HostFault, type OnHostFault } from "./host-fault.js";

/**
 * Gives a request to a plugin's handler in the host's own process. What the handler throws, or a
 * promise of its own rejects with, is answered 500, or breaks a response that has begun: it does not
 * end the process, as it would in a listener of Node's.
 */
export function serveInProcess(
  handler: (request: HostRequest, response: HostResponse) => unknown,
  request: NodeIncomingRequest,
  response: HostResponse,
  pluginId: string,
  onHostFault: OnHostFault,
  observed: WatchedRequest | undefined,
): void {
  let hasFailed = false;
  if (observed !== undefined) {
    response.once("close", () => {
      const { headersSent, statusCode, writableEnded } = response;
      const outcome = writableEnded ? "ok" : "client-disconnected";
      observed.handled(headersSent ? statusCode : undefined, hasFailed ? "plugin-error" : outcome);
    });
  }
  const fail = (thrown: unknown): void => {
    hasFailed = true;
    if (response.headersSent && !response.writableEnded) {
      request.breakResponse();
    }
    const message = "the handler of a plugin in the host's process failed";
    const fault: Omit<HostFault, "err"> = { message, plugin: pluginId, requestId: undefined };
    failRequest(request, onHostFault, fault, thrown);
  };
  if (request.entry.event === "checkContinue") {
    // Node sends it by itself only where nobody listens to `checkContinue`.
    response.writeContinue();
  }
  try {
    const returned = handler(request.message, response);
    if (isThenable(returned)) {
      Promise.resolve(returned).catch(fail);
    }
  } catch (error) {
    fail(error);
  }
}
