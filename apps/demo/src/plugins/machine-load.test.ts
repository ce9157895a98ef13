import { describe, expect, test } from "vitest";
import { loadBetween, readLoad } from "./machine-load.js";

const reading = {
  atUnixMs: 1_000,
  coresBusyMs: 50_000,
  coresTotalMs: 100_000,
  memoryUsedBytes: 3,
  memoryTotalBytes: 8,
  processCpuMs: 700,
  processMemoryBytes: 1,
};

describe("loadBetween", () => {
  test("is the share of the time between the readings, over all cores", () => {
    const later = {
      ...reading,
      atUnixMs: 1_500,
      coresBusyMs: 50_250,
      coresTotalMs: 101_000,
      memoryUsedBytes: 4,
      processCpuMs: 710,
      processMemoryBytes: 2,
    };
    expect(loadBetween(reading, later)).toEqual({
      atUnixMs: 1_500,
      cpuFraction: 0.25,
      memoryUsedBytes: 4,
      memoryTotalBytes: 8,
      processCpuFraction: 0.01,
      processMemoryBytes: 2,
    });
  });

  test("stays from 0 to 1 where the clocks of the counters differ", () => {
    expect(loadBetween(reading, reading)).toMatchObject({ cpuFraction: 0, processCpuFraction: 0 });
    const ahead = { ...reading, coresTotalMs: 100_010, processCpuMs: 720, coresBusyMs: 49_990 };
    expect(loadBetween(reading, ahead)).toMatchObject({ cpuFraction: 0, processCpuFraction: 1 });
  });
});

describe("readLoad", () => {
  test("reads counters that go on", () => {
    const [earlier, later] = [readLoad(), readLoad()];
    expect(later.coresTotalMs).toBeGreaterThanOrEqual(earlier.coresTotalMs);
    expect(later.processCpuMs).toBeGreaterThanOrEqual(earlier.processCpuMs);
    expect(later.memoryUsedBytes).toBeLessThan(later.memoryTotalBytes);
    expect(later.processMemoryBytes).toBeLessThan(later.memoryTotalBytes);
  });
});
