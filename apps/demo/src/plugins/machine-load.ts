import { cpus, freemem, totalmem } from "node:os";

/** Counters of the machine and of this process at one moment. */
export interface LoadReading {
  readonly atUnixMs: number;
  /** Time of all cores together since the machine started. */
  readonly coresBusyMs: number;
  readonly coresTotalMs: number;
  readonly memoryUsedBytes: number;
  readonly memoryTotalBytes: number;
  /** Time that this process has used of any core. */
  readonly processCpuMs: number;
  readonly processMemoryBytes: number;
}

/** The load between two readings. Fractions go from 0 to 1 of all cores. */
export interface MachineLoad {
  readonly atUnixMs: number;
  readonly cpuFraction: number;
  readonly memoryUsedBytes: number;
  readonly memoryTotalBytes: number;
  readonly processCpuFraction: number;
  readonly processMemoryBytes: number;
}

/** The load between an earlier and a later reading. */
export function loadBetween(earlier: LoadReading, later: LoadReading): MachineLoad {
  const totalMs = later.coresTotalMs - earlier.coresTotalMs;
  const fraction = (busyMs: number) =>
    totalMs > 0 ? Math.min(1, Math.max(0, busyMs / totalMs)) : 0;
  return {
    atUnixMs: later.atUnixMs,
    cpuFraction: fraction(later.coresBusyMs - earlier.coresBusyMs),
    memoryUsedBytes: later.memoryUsedBytes,
    memoryTotalBytes: later.memoryTotalBytes,
    processCpuFraction: fraction(later.processCpuMs - earlier.processCpuMs),
    processMemoryBytes: later.processMemoryBytes,
  };
}

/** Reads the counters now. */
export function readLoad(): LoadReading {
  const cores = cpus().map(({ times }) => times);
  const idleMs = sum(cores.map(({ idle }) => idle));
  const coresTotalMs = sum(
    cores.flatMap(({ user, nice, sys, idle, irq }) => [user, nice, sys, idle, irq]),
  );
  const { user, system } = process.cpuUsage();
  return {
    atUnixMs: Date.now(),
    coresBusyMs: coresTotalMs - idleMs,
    coresTotalMs,
    memoryUsedBytes: totalmem() - freemem(),
    memoryTotalBytes: totalmem(),
    processCpuMs: (user + system) / 1_000,
    processMemoryBytes: process.memoryUsage.rss(),
  };
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
