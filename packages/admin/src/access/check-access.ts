import { CallProblem } from "../answer/call-problem.js";
import type { AdminRequest } from "../answer/node-types.js";
import type { AccessToken } from "./access-token.js";
import { foreignRequest } from "./foreign-request.js";

/** Who may call. */
export interface AccessRules {
  /** Undefined: whoever reaches the admin's unix socket. */
  readonly token: AccessToken | undefined;
  /** Names that are the admin's, beside addresses and localhost. */
  readonly hosts: readonly string[];
}

/**
 * Checks that a request may do what a call does.
 *
 * @param isMutating whether it changes something
 * @throws CallProblem for one that may not
 */
export function checkAccess(request: AdminRequest, rules: AccessRules, isMutating: boolean): void {
  const foreign = foreignRequest(request, rules.hosts);
  if (foreign !== undefined) {
    throw new CallProblem("forbidden", foreign);
  }
  if (rules.token !== undefined) {
    if (!rules.token.isIn(request.headers.authorization)) {
      throw new CallProblem(
        "unauthorized",
        "the token is missing or wrong: Authorization: Bearer TOKEN",
        {},
        { "www-authenticate": 'Bearer realm="servehttp admin"' },
      );
    }
    return;
  }
  if (!isOverUnixSocket(request)) {
    throw new CallProblem(
      "forbidden",
      "this admin has no token, so it answers on a unix socket alone",
    );
  }
  // A form of another site can't set it, should anything lead browsers to this socket.
  if (isMutating && request.headers["x-servehttp-admin"] === undefined) {
    throw new CallProblem("forbidden", "set the header x-servehttp-admin: 1 for calls like this");
  }
}

/** Whether a request shows that it may do what a call does; for those that everybody may make. */
export function mayAccess(request: AdminRequest, rules: AccessRules): boolean {
  try {
    checkAccess(request, rules, false);
    return true;
  } catch {
    return false;
  }
}

function isOverUnixSocket({ socket }: AdminRequest): boolean {
  // A TCP connection that was reset has no remote address any more, but a local one until it is
  // closed. A unix socket never has.
  return (
    socket.remoteAddress === undefined && socket.localAddress === undefined && !socket.destroyed
  );
}
