import { runBehaviours } from "../run-behaviours.js";
import { bulkRows } from "./bulk-rows.js";
import { responseBehaviours } from "./response.js";

runBehaviours(responseBehaviours.filter((behaviour) => !bulkRows.has(behaviour.row)));
