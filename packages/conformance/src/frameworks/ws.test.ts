import { wsFeatures } from "./features/ws-features.js";
import { runFeatures } from "./run-features.js";

runFeatures("ws", wsFeatures);
