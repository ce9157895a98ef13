import type { Check } from "./check.js";
import { duplexChecks } from "./duplex.js";
import { failureChecks } from "./failure.js";
import { lifecycleChecks } from "./lifecycle.js";
import { requestChecks } from "./request.js";
import { responseChecks } from "./response.js";
import { tunnelChecks } from "./tunnel.js";

/** Every check, in the order in which they run. */
export const checks: readonly Check[] = [
  ...requestChecks,
  ...responseChecks,
  ...duplexChecks,
  ...failureChecks,
  ...tunnelChecks,
  ...lifecycleChecks,
];
