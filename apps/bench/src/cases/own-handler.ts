import type { BenchCase } from "./bench-case.js";

/** A case of targets whose handler is not that of direct: figures, and no ratios to it. */
export function withOwnHandler(targets: readonly string[], benchCase: BenchCase): BenchCase {
  return {
    ...benchCase,
    targets,
    metrics: benchCase.metrics.map((metric) =>
      metric.shown === undefined ? metric : { ...metric, shown: "value" },
    ),
  };
}
