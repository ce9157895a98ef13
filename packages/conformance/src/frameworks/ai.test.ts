import { aiFeatures } from "./features/ai-features.js";
import { runFeatures } from "./run-features.js";

runFeatures("ai", aiFeatures);
