import { Child } from "../child.js";
import { nodeCommand } from "../targets/node-command.js";
import type { RunningTarget } from "../targets/target.js";
import type { BenchCase } from "./bench-case.js";

/** Times to the first byte of a body, from one request after the other. */
export interface FirstByteTimes {
  readonly count: number;
  readonly p50Us: number;
  readonly p99Us: number;
}

/** How soon the first byte of a response arrives when the rest is sent later. */
export const firstByte: BenchCase = {
  name: "first-byte",
  title: "time to first byte of a streamed response, 1 connection",
  metrics: [
    { name: "p50", unit: "µs", better: "less", shown: "ratio to direct" },
    { name: "p99", unit: "µs", better: "less" },
  ],
  async measure(target, { seconds }) {
    const { p50Us, p99Us } = await measureFirstBytes(target, "/first-byte", seconds);
    return { p50: p50Us, p99: p99Us };
  },
};

export async function measureFirstBytes(
  { host, port, prefix }: RunningTarget,
  path: string,
  seconds: number,
): Promise<FirstByteTimes> {
  await using load = new Child("first byte", [
    ...nodeCommand("load-first-byte"),
    host,
    ...[port, prefix + path, seconds].map(String),
  ]);
  return await load.json<FirstByteTimes>();
}
