import type { BenchCase } from "./bench-case.js";
import { requestsOfOwnHandler } from "./requests.js";

/** What it costs to watch a host: small GETs with nothing on, and with all that most hosts have on. */
export const observedGets: BenchCase = requestsOfOwnHandler(
  ["mux", "mux with metrics and access log", "mux with traces at 1 %"],
  "observed-get-64",
  "small GET of a host that is watched, 64 connections",
  { path: "/small", connections: 64 },
);
