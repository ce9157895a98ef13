import type { BenchCase } from "./bench-case.js";
import { requestsOfOwnHandler } from "./requests.js";

/** What a second host process brings, beside servers that use every processor. */
export const workersGets: BenchCase = requestsOfOwnHandler(
  ["direct", "mux", "mux with 2 workers", "nginx", "HAProxy"],
  "workers-get-64",
  "small GET, 64 connections, by workers",
  { path: "/small", connections: 64 },
);
