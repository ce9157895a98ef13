import { expect, it } from "vitest";

import { type WantedFigure } from "../wanted-figures.js";
import { historyPage } from "./history-page.js";
import { fileNameOf, type KeptRun } from "./kept-run.js";

const wanted: WantedFigure = {
  case: "get-64",
  metric: "requests",
  target: "mux",
  against: "undici",
  bound: "at least",
  value: 2,
};
const older: KeptRun = {
  date: "2026-01-02T03:04:05.678Z",
  commit: "aaaaaaa",
  cpu: "one",
  cores: 2,
  node: "v24.0.0",
  rounds: 3,
  disturbances: [],
  figures: { "get-64: requests, mux to undici": 1.8 },
};
const newer: KeptRun = {
  ...older,
  date: "2026-02-02T03:04:05.678Z",
  commit: "bbbbbbb",
  disturbances: [{ case: "get-64", metric: "requests", spread: 0.4 }],
  figures: { "get-64: requests, mux to undici": 2.2 },
};

it("draws a figure over the runs, oldest first, beside what is wanted", () => {
  const page = historyPage([newer, older], [wanted]);
  expect(page).toContain("## get-64: requests, mux to undici");
  expect(page).toContain("line [1.8, 2.2]");
  expect(page).toContain("line [2, 2]");
  expect(page).toMatch(/1 \| 2026-01-02 03:04 \| aaaaaaa .* calm/);
  expect(page).toMatch(/2 \| 2026-02-02 03:04 \| bbbbbbb .* Disturbed: .*get-64 40 %/);
});

it("leaves out what was measured once", () => {
  expect(historyPage([older], [wanted])).not.toContain("##");
});

it("keeps a run under its date and commit", () => {
  expect(fileNameOf(older)).toBe("2026-01-02T0304-aaaaaaa.json");
});
