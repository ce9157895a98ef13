import type { Logger, NodeRequest, NodeResponse } from "@servehttp/host-bridge";
import {
  type Given,
  listOf,
  optionError,
  shape,
  text,
  value,
} from "@servehttp/host-bridge/options";
import type { z } from "zod";

const isName = (name: string): boolean => /^[\w.-]+$/.test(name);

type MetricsListener = (request: NodeRequest, response: NodeResponse) => unknown;

const adminKeys = {
  /**
   * What callers have to show, as `Authorization: Bearer TOKEN`: 16 visible ASCII characters or
   * more. False: nothing; then the admin answers on unix sockets alone, and the permissions of the
   * socket say who may call.
   */
  token: value<string | false>("", () => true),
  /**
   * Names under which the admin is reached, such as `"admin.example.org"`. Addresses and localhost
   * always are; a request for another name is refused, because that is how pages of other sites get
   * at servers behind a firewall. Default: none.
   */
  hosts: listOf(text("a host name without a port", isName), "an array of host names").optional(),
  /** Ids of the plugins for which `/readyz` waits. Default: all plugins that there are. */
  required: listOf(text("a plugin's id", isName), "an array of plugins' ids").optional(),
  /**
   * Whether the application takes requests: while it returns false, `/readyz` answers 503, whatever
   * the plugins do. For one that starts, or is about to stop. Default: it always does.
   */
  isReady: value<() => boolean>("a function", (given) => typeof given === "function").optional(),
  /** Answers `/metrics`, once the token is checked. Default: 404. */
  metrics: value<MetricsListener>("a function", (given) => typeof given === "function").optional(),
  /** Where defects are logged. Default: a warning of the process (`process.emitWarning`). */
  logger: value<Pick<Logger, "error">>(
    "a pino logger, or another object with error",
    (given) => typeof (given as Partial<Logger> | null)?.error === "function",
  ).optional(),
};

/** The options of `createAdmin`. */
export interface AdminOptions extends Given<typeof adminKeys, "token"> {}

const adminSchema: z.ZodType = shape(adminKeys);

/**
 * Checks the options; the token is checked where it is used.
 *
 * @throws ServeHTTPError `invalid-argument`, one line: the option, what was given, what is allowed
 */
export function checkAdminOptions(given: AdminOptions): void {
  const checked = adminSchema.safeParse(given);
  if (!checked.success) {
    throw optionError(checked.error, [], given);
  }
}
