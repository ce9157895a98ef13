import { expect, it } from "vitest";

import type { BenchReport } from "./bench-report.js";
import { describeDisturbances, disturbancesOf } from "./disturbances.js";

it("names the cases in which the rounds of direct lie apart", () => {
  const disturbances = disturbancesOf(reportOf({ calm: [100, 105, 95], busy: [100, 60, 110] }));
  expect(disturbances).toEqual([{ case: "busy", metric: "requests", spread: 0.5 }]);
  expect(describeDisturbances(disturbances)).toBe(
    "Disturbed: the rounds of direct lie further apart than 15 % of their median (busy 50 %).",
  );
});

it("says nothing of a calm run, of one round, and of rounds that failed", () => {
  const disturbances = disturbancesOf(
    reportOf({ calm: [100, 101], once: [100], failed: [null, 100] }),
  );
  expect(disturbances).toEqual([]);
  expect(describeDisturbances(disturbances)).toBeUndefined();
});

function reportOf(direct: Readonly<Record<string, ReadonlyArray<number | null>>>): BenchReport {
  return {
    date: "2026-01-02T03:04:05.000Z",
    commit: "0123456",
    machine: { cpu: "", cores: 2, memoryGiB: 1, system: "", node: "" },
    options: { rounds: 3, seconds: 1, bulkBytes: 1, generator: "wrk" },
    missing: {},
    cases: Object.entries(direct).map(([name, samples]) => ({
      name,
      title: name,
      metrics: [
        { name: "requests", unit: "requests/s", better: "more", shown: "ratio to direct" as const },
      ],
      samples: { requests: { direct: samples, mux: samples } },
      failures: {},
    })),
  };
}
