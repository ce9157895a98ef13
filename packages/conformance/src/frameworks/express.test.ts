import { expressFeatures } from "./features/express-features.js";
import { runFeatures } from "./run-features.js";

runFeatures("express", expressFeatures);
