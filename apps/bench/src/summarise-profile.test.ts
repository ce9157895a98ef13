import { expect, test } from "vitest";

import { summariseProfile } from "./summarise-profile.js";

function node(id: number, functionName: string, url: string, lineNumber: number) {
  return { id, callFrame: { functionName, url, lineNumber, columnNumber: 0, scriptId: "0" } };
}

test("adds up self time by function and by file, of the time that was not idle", () => {
  const summary = summariseProfile({
    startTime: 0,
    endTime: 1_000,
    nodes: [
      node(1, "(idle)", "", -1),
      node(2, "send", "file:///somewhere/packages/carrier/dist/mux.js", 9),
      node(3, "", "file:///somewhere/packages/carrier/dist/mux.js", 19),
      node(4, "request", "file:///somewhere/node_modules/undici/lib/client.js", 0),
      node(5, "(garbage collector)", "", -1),
    ],
    samples: [1, 2, 3, 4, 5, 2],
    timeDeltas: [200, 200, 200, 100, 100, 200],
  });
  expect(summary.idleShare).toBeCloseTo(0.2);
  expect(summary.functions).toEqual([
    { where: "send packages/carrier/dist/mux.js:10", share: 0.5 },
    { where: "(anonymous) packages/carrier/dist/mux.js:20", share: 0.25 },
    { where: "request undici/lib/client.js:1", share: 0.125 },
    { where: "(garbage collector)", share: 0.125 },
  ]);
  expect(summary.files[0]).toEqual({ where: "packages/carrier/dist/mux.js", share: 0.75 });
});
