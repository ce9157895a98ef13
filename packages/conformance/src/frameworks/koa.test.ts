import { koaFeatures } from "./features/koa-features.js";
import { runFeatures } from "./run-features.js";

runFeatures("koa", koaFeatures);
