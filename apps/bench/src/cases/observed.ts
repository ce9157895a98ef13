import type { BenchCase } from "./bench-case.js";
import { requestsOfOwnHandler } from "./requests.js";

/**
 * What it costs to watch a host: small GETs with nothing on, and with all that most hosts have on.
 * All targets are warmed up for 10 s. The first spans are sent when they are 5 s old, by the functions
 * of Node's streams that also write each response: V8 has compiled those for responses alone by then,
 * drops what it has compiled, and compiles them anew. That happens once in the life of a host.
 */
export const observedGets: BenchCase = {
  ...requestsOfOwnHandler(
    ["mux", "mux with metrics and access log", "mux with traces at 1 %"],
    "observed-get-64",
    "small GET of a host that is watched, 64 connections",
    { path: "/small", connections: 64 },
  ),
  warmUpSeconds: 10,
};
