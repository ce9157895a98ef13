import { runBehaviours } from "../run-behaviours.js";
import { tunnelBehaviours } from "./tunnel.js";

runBehaviours(tunnelBehaviours, { impatient: true });
