import { randomUUID } from "node:crypto";
import { keyOf } from "./behaviour.js";
import { Http1Client, Http2Client, type HttpClient } from "servehttp-conformance/testing";
import { cancelled } from "./measured-handlers.js";
import { startTarget } from "./targets/start-target.js";
import type { Target } from "./targets/target.js";
import { targetNames } from "./targets/target-names.js";

/**
 * Prints how long after a client left the signal of its handler, in another process, aborts: for
 * 1,000 clients on each target, one after the other. Both processes read the machine's monotonic
 * clock. Exits with 1 if the 99th percentile is over 50 ms.
 */
const rounds = 1_000;
const p99MsMax = 50;

for (const targetName of targetNames) {
  await using target = await startTarget(targetName);
  for (const client of [new Http1Client(target.http1Port), new Http2Client(target.http2Port)]) {
    using asked = client;
    const latenciesMs: number[] = [];
    for (let round = 0; round < rounds; round += 1) {
      latenciesMs.push(await cancelOnce(target, asked));
    }
    latenciesMs.sort((one, other) => one - other);
    const at = (share: number) => latenciesMs[Math.ceil(share * rounds) - 1] ?? Number.NaN;
    const figures = [0.5, 0.99, 1].map((share) => at(share).toFixed(2));
    console.log(
      `${targetName.padEnd(6)} ${client.protocol}  n=${rounds}  p50 ${figures[0]} ms  p99 ${figures[1]} ms  max ${figures[2]} ms`,
    );
    if (at(0.99) > p99MsMax) {
      process.exitCode = 1;
    }
  }
}

async function cancelOnce(target: Target, client: HttpClient): Promise<number> {
  const key = randomUUID();
  const open = client.open({ path: `${target.base}/case/${keyOf(cancelled)}/${key}` });
  await open.read();
  const leftAt = process.hrtime.bigint();
  open.leave();
  const abortedAt = BigInt(String(await target.observation.next(key, "aborted")));
  return Number(abortedAt - leftAt) / 1e6;
}
