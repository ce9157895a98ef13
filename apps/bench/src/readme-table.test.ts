import { expect, test } from "vitest";

import type { BenchReport } from "./bench-report.js";
import { putBetweenMarkers, readmeTable } from "./readme-table.js";

const report: BenchReport = {
  date: "2026-02-03T04:05:06.000Z",
  machine: { cpu: "A CPU", cores: 2, memoryGiB: 8, system: "Linux 6.1 x64", node: "v24.21.0" },
  options: { rounds: 2, seconds: 3, bulkBytes: 1, generator: "wrk" },
  missing: { HAProxy: "apt-get install haproxy" },
  cases: [
    {
      name: "get-64",
      title: "small GET, 64 connections",
      metrics: [
        { name: "requests", unit: "requests/s", better: "more", readme: "ratio to direct" },
        { name: "p99", unit: "µs", better: "less" },
        { name: "host cpu", unit: "µs/request", better: "less", readme: "value" },
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
  expect(readmeTable(report)).toContain(
    "| small GET, 64 connections: requests, requests/s | 15,000 | 0.90 × | 0.45 × |",
  );
});

test("shows values as they are, and a dash where there is none", () => {
  expect(readmeTable(report)).toContain(
    "| small GET, 64 connections: host cpu, µs/request ↓ | – | 35.0 | 50.0 |",
  );
});

test("keeps metrics out that have no row in the README", () => {
  expect(readmeTable(report)).not.toContain("p99");
});

test("names the machine, the date, what failed and what was not there", () => {
  const table = readmeTable(report);
  expect(table).toContain("Measured on 2026-02-03: A CPU, 2 cores, 8 GiB");
  expect(table).toContain("Failed (–): undici (small GET, 64 connections).");
  expect(table).toContain("Not on this machine: HAProxy.");
});

test("says of every wanted figure whether it was reached", () => {
  const table = readmeTable(report);
  expect(table).toContain(
    "| small GET, 64 connections | mux to undici: requests | at least 2 | 2.00 | reached |",
  );
  expect(table).toContain(
    "| small GET, 64 connections | mux to nginx: requests | at least 0.9 | – | missed |",
  );
});

test("replaces what stands between the markers and nothing else", () => {
  const text = "# Title\n\n<!-- bench:start -->\nold\n<!-- bench:end -->\n\nafter\n";
  expect(putBetweenMarkers(text, "new")).toBe(
    "# Title\n\n<!-- bench:start -->\nnew\n<!-- bench:end -->\n\nafter\n",
  );
});

test("appends the markers to a text without them, so that the next run finds them", () => {
  const once = putBetweenMarkers("# Title\n", "first");
  expect(once).toBe("# Title\n\n<!-- bench:start -->\nfirst\n<!-- bench:end -->\n");
  expect(putBetweenMarkers(once, "second")).toBe(once.replace("first", "second"));
});

test("refuses half a pair of markers", () => {
  expect(() => putBetweenMarkers("<!-- bench:end -->", "x")).toThrow(/belong together/);
  expect(() => putBetweenMarkers("<!-- bench:start -->", "x")).toThrow(/belong together/);
});
