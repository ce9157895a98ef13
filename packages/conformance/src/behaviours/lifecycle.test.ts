import { runBehaviours } from "../run-behaviours.js";
import { lifecycleBehaviours } from "./lifecycle.js";

runBehaviours(lifecycleBehaviours);
