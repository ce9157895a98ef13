import { runBehaviours } from "../run-behaviours.js";
import { failureBehaviours } from "./failure.js";

runBehaviours(failureBehaviours);
