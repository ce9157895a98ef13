import { honoFeatures } from "./features/hono-features.js";
import { runFeatures } from "./run-features.js";

runFeatures("hono", honoFeatures);
