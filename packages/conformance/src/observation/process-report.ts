/** What a process holds at the time of the question. */
export interface ProcessReport {
  readonly pid: number;
  /** Resident set in bytes, after a forced collection. */
  readonly rssBytes: number;
  /** Highest resident set so far, in bytes. */
  readonly rssMaxBytes: number;
  /** JavaScript heap in use in bytes, after a forced collection. */
  readonly heapBytes: number;
  /** Memory of buffers in bytes, after a forced collection. */
  readonly buffersBytes: number;
  /** `process.getActiveResourcesInfo()`, counted by kind. */
  readonly resources: Readonly<Record<string, number>>;
  /** Open HTTP/2 streams, those of clients and those of the contract. */
  readonly http2Streams: number;
  /** Listeners on `process`, the one object that everything in a process shares. */
  readonly processListeners: number;
  /** Exchanges that reached the handler so far. */
  readonly exchanges: number;
  /** Handlers that have not returned. */
  readonly running: number;
  /** Rejections that nobody handled, as text. */
  readonly unhandled: readonly string[];
}

/** Counted by the process as it runs. */
export interface ProcessTally {
  readonly http2Streams: () => number;
  exchanges: number;
  running: number;
  readonly unhandled: string[];
}

/** Reports on this process. It must have been started with `--expose-gc`. */
export async function reportProcess(tally: ProcessTally): Promise<ProcessReport> {
  if (globalThis.gc === undefined) {
    throw new Error("a reported process needs --expose-gc");
  }
  // Finalizers run between turns, and what they free is collected by the next round.
  for (let round = 0; round < 3; round += 1) {
    globalThis.gc();
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
  }
  const memory = process.memoryUsage();
  const resources: Record<string, number> = {};
  for (const kind of process.getActiveResourcesInfo()) {
    resources[kind] = (resources[kind] ?? 0) + 1;
  }
  return {
    pid: process.pid,
    rssBytes: memory.rss,
    rssMaxBytes: process.resourceUsage().maxRSS * 1_024,
    heapBytes: memory.heapUsed,
    buffersBytes: memory.external + memory.arrayBuffers,
    resources,
    http2Streams: tally.http2Streams(),
    processListeners: process
      .eventNames()
      .reduce((sum, name) => sum + process.listenerCount(name), 0),
    exchanges: tally.exchanges,
    running: tally.running,
    unhandled: [...tally.unhandled],
  };
}
