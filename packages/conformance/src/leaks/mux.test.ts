import { runLeakTests } from "./run-leak-tests.js";

runLeakTests("mux");
