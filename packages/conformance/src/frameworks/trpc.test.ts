import { trpcFeatures } from "./features/trpc-features.js";
import { runFeatures } from "./run-features.js";

runFeatures("trpc", trpcFeatures);
