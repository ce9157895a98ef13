import { fastifyFeatures } from "./features/fastify-features.js";
import { runFeatures } from "./run-features.js";

runFeatures("fastify", fastifyFeatures);
