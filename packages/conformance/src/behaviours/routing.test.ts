import { runBehaviours } from "../run-behaviours.js";
import { routingBehaviours } from "./routing.js";

runBehaviours(routingBehaviours, { impatient: true });
