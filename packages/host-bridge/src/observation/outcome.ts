/** How an exchange came out, in logs and metrics: each has exactly one outcome. */
export type Outcome =
  | "ok"
  | "client-disconnected"
  | "bad-request"
  | "unavailable"
  | "overload"
  | "plugin-error"
  | "lost-before-head"
  | "lost-after-head"
  | "protocol-violation"
  | "deadline"
  | "host-stopping";

/**
 * How a request came out. `"answered-by-host"`: the host answered, and no plugin was asked, because
 * there is none, because `identity` has answered, or with a redirect to the plugin's base path.
 * `"host-error"`: a function of the host's own failed, such as `identity`.
 */
export type RequestOutcome = Outcome | "answered-by-host" | "host-error";
