import { runBehaviours } from "../run-behaviours.js";
import { edgeBehaviours } from "./edge.js";

runBehaviours(edgeBehaviours);
