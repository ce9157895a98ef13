import type { Behaviour } from "../behaviour.js";
import { duplexBehaviours } from "./duplex.js";
import { edgeBehaviours } from "./edge.js";
import { failureBehaviours } from "./failure.js";
import { lifecycleBehaviours } from "./lifecycle.js";
import { mountBehaviours } from "./mounts.js";
import { requestBehaviours } from "./request.js";
import { responseBehaviours } from "./response.js";
import { routingBehaviours } from "./routing.js";
import { tunnelBehaviours } from "./tunnel.js";

/** Every behaviour, in the order of SEMANTICS. */
export const behaviours: readonly Behaviour[] = [
  ...routingBehaviours,
  ...edgeBehaviours,
  ...requestBehaviours,
  ...responseBehaviours,
  ...duplexBehaviours,
  ...failureBehaviours,
  ...tunnelBehaviours,
  ...lifecycleBehaviours,
  ...mountBehaviours,
];
