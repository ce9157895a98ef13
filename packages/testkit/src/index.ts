export { isFullSize, randomRuns, type RandomRuns, sized } from "./test-size.js";
export { turns, until } from "./until.js";
