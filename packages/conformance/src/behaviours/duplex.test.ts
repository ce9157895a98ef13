import { runBehaviours } from "../run-behaviours.js";
import { duplexBehaviours } from "./duplex.js";

runBehaviours(duplexBehaviours, { impatient: true });
