import type { ExampleFeature } from "./example-feature.js";
import { mcpExampleFeatures } from "./features/mcp-features.js";
import {
  expressExampleFeatures,
  fastifyExampleFeatures,
  honoExampleFeatures,
} from "./features/server-features.js";

/** The features of each example, by its folder in `examples/`. */
export const examples = {
  express: expressExampleFeatures,
  fastify: fastifyExampleFeatures,
  hono: honoExampleFeatures,
  mcp: mcpExampleFeatures,
} as const satisfies Readonly<Record<string, readonly ExampleFeature[]>>;
