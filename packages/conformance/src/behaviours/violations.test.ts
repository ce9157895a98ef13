import { runBehaviours } from "../run-behaviours.js";
import { violationsBehaviours } from "./violations.js";

runBehaviours(violationsBehaviours, { hostile: true });
