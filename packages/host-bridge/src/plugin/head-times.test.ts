import { expect, it } from "vitest";
import { HeadTimeCounts, noHeadTimes } from "./head-times.js";

it("counts each time at the first bound that is not below it", () => {
  const { boundsMs } = noHeadTimes;
  for (const [index, bound] of boundsMs.entries()) {
    const times = new HeadTimeCounts();
    times.record(bound);
    times.record(bound * 1.01);
    const expected = boundsMs.map(() => 0).concat(0);
    expected[index] = 1;
    expected[index + 1] = 1;
    expect(times.snapshot.counts).toEqual(expected);
  }
});

it("counts what takes no time, and what takes longer than the last bound", () => {
  const times = new HeadTimeCounts();
  times.record(0);
  times.record(10_000_000);
  const { counts } = times.snapshot;
  expect([counts[0], counts.at(-1), counts.length]).toEqual([1, 1, 81]);
});

it("tells what was when it was asked", () => {
  const times = new HeadTimeCounts();
  const before = times.snapshot;
  times.record(1);
  expect(before).toEqual(noHeadTimes);
});
