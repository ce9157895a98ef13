import { graphqlFeatures } from "./features/graphql-features.js";
import { runFeatures } from "./run-features.js";

runFeatures("graphql", graphqlFeatures);
