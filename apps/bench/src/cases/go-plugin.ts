import type { BenchCase } from "./bench-case.js";
import { requestsOfOwnHandler } from "./requests.js";

/** One handler of `net/http`: as a plugin, and as a server behind the proxy of Go's own library. */
export const goPlugin: BenchCase = requestsOfOwnHandler(
  ["mux to Go", "stream to Go", "Go ReverseProxy to Go"],
  "go-get-64",
  "small GET of a handler in Go, 64 connections",
  { path: "/small", connections: 64 },
);
