import { runBehaviours } from "../run-behaviours.js";
import { bulkRows } from "./bulk-rows.js";
import { requestBehaviours } from "./request.js";
import { responseBehaviours } from "./response.js";

runBehaviours(
  [...requestBehaviours, ...responseBehaviours].filter((behaviour) => bulkRows.has(behaviour.row)),
);
