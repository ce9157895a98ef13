import { expect, test } from "vitest";

import type { BenchReport } from "./bench-report.js";
import { fullTable, summaryTable, targetTable } from "./markdown-tables.js";

const report: BenchReport = {
  date: "2026-02-03T04:05:06.000Z",
  commit: "0123456",
  machine: { cpu: "A CPU", cores: 2, memoryGiB: 8, system: "Linux 6.1 x64", node: "v24.21.0" },
  options: { rounds: 2, seconds: 3, bulkBytes: 1, generator: "wrk" },
  missing: { HAProxy: "apt-get install haproxy" },
  cases: [
    {
      name: "get-64",
      title: "small GET, 64 connections",
      metrics: [
        { name: "requests", unit: "requests/s", better: "more", shown: "ratio to direct" },
        { name: "p99", unit: "µs", better: "less" },
        { name: "host cpu", unit: "µs/request", better: "less", shown: "value" },
      ],
      samples: {
        requests: { direct: [20_000, 10_000], mux: [18_000, 9_000], undici: [9_000, null] },
        p99: { direct: [1, 1], mux: [1, 1], undici: [1, null] },
        "host cpu": { direct: [null, null], mux: [30, 40], undici: [50, null] },
      },
      failures: { undici: "left (SIGKILL)" },
    },
  ],
};

test("shows direct by its value and the others by their ratio to it", () => {
  expect(fullTable(report)).toContain(
    "| small GET, 64 connections: requests, requests/s | 15,000 | 0.90 × | 0.45 × |",
  );
});

test("shows values as they are, and a dash where there is none", () => {
  expect(fullTable(report)).toContain(
    "| small GET, 64 connections: host cpu, µs/request ↓ | – | 35.0 | 50.0 |",
  );
});

test("keeps metrics out that are not to be shown", () => {
  expect(fullTable(report)).not.toContain("p99");
});

test("names the machine, the date, what failed and what was not there", () => {
  const table = fullTable(report);
  expect(table).toContain("Measured on 2026-02-03: A CPU, 2 cores, 8 GiB");
  expect(table).toContain("- undici: small GET, 64 connections");
  expect(table).toContain("Not on this machine: HAProxy.");
});

test("has one row of the summary for each of its cases that was measured, beside the peers", () => {
  expect(summaryTable(report).split("\n")).toEqual([
    "|  | direct | servehttp | nginx | HAProxy | Go ReverseProxy | undici |",
    "| --- | --: | --: | --: | --: | --: | --: |",
    "| small GET, 64 connections: requests, requests/s | 15,000 | 0.90 × | – | – | – | 0.45 × |",
  ]);
});

test("says of every wanted figure whether it was reached", () => {
  const table = targetTable(report);
  expect(table).toContain("Measured on 2026-02-03.");
  expect(table).toContain(
    "| small GET, 64 connections: requests, mux to undici | at least 2.5 | 2.00 | missed |",
  );
  expect(table).toContain(
    "| small GET, 64 connections: requests, mux to direct | at least 0.85 | 0.90 | reached |",
  );
  expect(table).toContain(
    "| small GET, 64 connections: requests, mux to nginx | at least 1 | – | missed |",
  );
});
