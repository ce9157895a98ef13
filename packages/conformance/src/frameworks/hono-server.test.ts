import { honoServerFeatures } from "./features/hono-features.js";
import { runFeatures } from "./run-features.js";

runFeatures("hono-server", honoServerFeatures);
