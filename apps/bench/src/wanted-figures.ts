import type { BenchReport } from "./bench-report.js";
import { samplesOf } from "./samples-of.js";
import { pairedRatio, summarise } from "./statistics.js";

/** A figure that the bridge is built to reach. */
export interface WantedFigure {
  readonly case: string;
  readonly metric: string;
  readonly target: string;
  /**
   * The target that it is compared with; then the figure is a ratio. Default: an absolute value.
   */
  readonly against?: string;
  readonly bound: "at least" | "at most";
  readonly value: number;
}

/** A figure beside what was measured. */
export interface FoundFigure {
  readonly wanted: WantedFigure;
  readonly title: string;
  readonly unit: string;
  /** Undefined if it could not be measured. */
  readonly found: number | undefined;
  readonly reached: boolean;
}

const smallGets: readonly WantedFigure[] = ["get-64", "get-256"].flatMap((name) => [
  ratio(name, "requests", "mux", "undici", "at least", 2.5),
  ratio(name, "requests", "mux", "Go ReverseProxy", "at least", 2.5),
  ratio(name, "requests", "mux", "direct", "at least", 0.85),
  ratio(name, "requests", "mux", "nginx", "at least", 1),
  ratio(name, "requests", "mux", "HAProxy", "at least", 0.95),
  ratio(name, "host cpu", "mux", "nginx", "at most", 1.1),
]);

const bulk: readonly WantedFigure[] = [
  ratio("up", "throughput", "mux", "undici", "at least", 1.25),
  ratio("up", "throughput", "mux", "Go ReverseProxy", "at least", 1),
  ratio("up", "host cpu", "mux", "Go ReverseProxy", "at most", 1.2),
  ratio("down", "throughput", "mux", "undici", "at least", 1.25),
  ratio("down", "throughput", "mux", "Go ReverseProxy", "at least", 1.25),
];

/** What the design replaces. */
const otherWays: readonly WantedFigure[] = ["Mattermost", "ghttp streaming"].flatMap((against) => [
  ratio("go-get-64", "requests", "mux to Go", against, "at least", 5),
  ratio("go-up", "throughput", "mux to Go", against, "at least", 1.25),
]);

const tunnels: readonly WantedFigure[] = ["tunnel-up", "tunnel-down", "tunnel-both"].flatMap(
  (name) =>
    ["mux", "stream"].flatMap((target): WantedFigure[] => [
      ratio(name, "throughput", target, "raw TCP relay", "at least", 0.85),
      { case: name, metric: "host memory", target, bound: "at most", value: 32 },
      { case: name, metric: "plugin memory", target, bound: "at most", value: 32 },
    ]),
);

export const wantedFigures: readonly WantedFigure[] = [
  ratio("get-1", "p50", "mux", "undici", "at most", 0.8),
  ...smallGets,
  ratio("get-64", "requests", "stream", "naive connect-node", "at least", 5),
  ratio("get-64", "requests", "stream", "naive grpc-js", "at least", 1),
  ratio("echo-64k", "requests", "mux", "undici", "at least", 1.5),
  ratio("echo-64k", "requests", "mux", "HAProxy", "at least", 0.7),
  ...bulk,
  { case: "beside-bulk", metric: "busy / idle", target: "mux", bound: "at most", value: 1.5 },
  { case: "held-10k", metric: "host rss", target: "mux", bound: "at most", value: 5 },
  { case: "held-10k", metric: "new request p99", target: "mux", bound: "at most", value: 50 },
  ...tunnels,
  ratio("go-get-64", "requests", "mux to Go", "Go ReverseProxy to Go", "at least", 1.3),
  ...otherWays,
  ratio("python-get-64", "requests", "mux to Python", "nginx to uvicorn", "at least", 1),
  ratio("workers-get-64", "requests", "mux with 2 workers", "nginx", "at least", 1.15),
  ratio("workers-get-64", "requests", "mux with 2 workers", "HAProxy", "at least", 1.1),
  ratio("workers-get-64", "requests", "mux with 2 workers", "direct", "at least", 0.95),
  ratio("observed-get-64", "requests", "mux with metrics and access log", "mux", "at least", 0.88),
  ratio("observed-get-64", "requests", "mux with traces at 1 %", "mux", "at least", 0.85),
  ratio(
    "addresses-get-64",
    "requests",
    "mux over 4 addresses",
    "mux over 1 address",
    "at least",
    0.97,
  ),
  ratio("python-get-64", "plugin cpu", "mux to Python", "nginx to uvicorn", "at most", 0.9),
];

/** Names a figure, in a kept run and above its drawing. */
export function nameOf({ case: name, metric, target, against }: WantedFigure): string {
  return against === undefined
    ? `${name}: ${metric} of ${target}`
    : `${name}: ${metric}, ${target} to ${against}`;
}

/** Those of the figures whose cases were run. */
export function findFigures(report: BenchReport): FoundFigure[] {
  return wantedFigures.flatMap((wanted) => {
    const caseReport = report.cases.find(({ name }) => name === wanted.case);
    if (caseReport === undefined) {
      return [];
    }
    const ours = samplesOf(caseReport, wanted.metric, wanted.target);
    const known = ours.filter(Number.isFinite);
    const found =
      wanted.against === undefined
        ? known.length === 0
          ? undefined
          : summarise(known).median
        : pairedRatio(ours, samplesOf(caseReport, wanted.metric, wanted.against))?.median;
    const unit = caseReport.metrics.find(({ name }) => name === wanted.metric)?.unit ?? "";
    return [{ wanted, title: caseReport.title, unit, found, reached: isReached(wanted, found) }];
  });
}

function isReached({ bound, value }: WantedFigure, found: number | undefined): boolean {
  return found !== undefined && (bound === "at least" ? found >= value : found <= value);
}

function ratio(
  name: string,
  metric: string,
  target: string,
  against: string,
  bound: WantedFigure["bound"],
  value: number,
): WantedFigure {
  return { case: name, metric, target, against, bound, value };
}
