import { runBehaviours } from "../run-behaviours.js";
import { requestBehaviours } from "./request.js";

runBehaviours(requestBehaviours);
