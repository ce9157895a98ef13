import { runBehaviours } from "../run-behaviours.js";
import { bulkRows } from "./bulk-rows.js";
import { requestBehaviours } from "./request.js";

runBehaviours(requestBehaviours.filter((behaviour) => !bulkRows.has(behaviour.row)));
