import type { BenchCase } from "./bench-case.js";
import { requestsOfOwnHandler } from "./requests.js";

/** What it costs to choose one of several instances. */
export const addressesGets: BenchCase = requestsOfOwnHandler(
  ["mux over 1 address", "mux over 4 addresses", "mux over 4 addresses of 4 processes"],
  "addresses-get-64",
  "small GET, 64 connections, by addresses of the plugin",
  { path: "/small", connections: 64 },
);
