import { duplexChecks } from "./duplex.js";
import { edgeChecks } from "./edge.js";
import { failureChecks } from "./failure.js";
import type { HostCheck } from "./host-check.js";
import { requestChecks } from "./request.js";
import { responseChecks } from "./response.js";
import { stackChecks } from "./stack.js";
import { tunnelChecks } from "./tunnel.js";

/** Every check of a host, in the order in which they run. */
export const hostChecks: readonly HostCheck[] = [
  ...requestChecks,
  ...edgeChecks,
  ...responseChecks,
  ...duplexChecks,
  ...failureChecks,
  ...tunnelChecks,
  ...stackChecks,
];
