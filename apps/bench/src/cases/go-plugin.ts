import type { BenchCase } from "./bench-case.js";
import { requests } from "./requests.js";

const { metrics, ...smallGet } = requests(
  "go-get-64",
  "small GET of a handler in Go, 64 connections",
  { path: "/small", connections: 64 },
);

/** One handler of `net/http`: as a plugin, and as a server behind the proxy of Go's own library. */
export const goPlugin: BenchCase = {
  ...smallGet,
  targets: ["mux to Go", "stream to Go", "Go ReverseProxy to Go"],
  // The handler of direct is another one.
  metrics: metrics.map((metric) =>
    metric.shown === undefined ? metric : { ...metric, shown: "value" },
  ),
};
