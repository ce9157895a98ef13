import { runBehaviours } from "../run-behaviours.js";
import { mountBehaviours } from "./mounts.js";

runBehaviours(mountBehaviours, { mounts: true });
