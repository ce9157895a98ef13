import { runBehaviours } from "../run-behaviours.js";
import { responseBehaviours } from "./response.js";

runBehaviours(responseBehaviours);
