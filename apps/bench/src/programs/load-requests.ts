/**
 * The load generator for machines without wrk. Arguments: host, port, path, connections, seconds,
 * bytes to POST (0 for a GET). Prints a LoadResult.
 */
import { HttpConnection } from "../load/http-connection.js";
import type { LoadResult } from "../load/run-wrk.js";
import { percentile } from "../statistics.js";

const [, , host = "", port, path = "", connections, seconds, postBytes] = process.argv;
const body = jsonOf(Number(postBytes));
const latenciesUs: number[] = [];
let broken = 0;
let refused = 0;
const startedMs = performance.now();
const endMs = startedMs + Number(seconds) * 1_000;

await Promise.all(Array.from({ length: Number(connections) }, requestUntilEnd));
const durationUs = (performance.now() - startedMs) * 1_000;
latenciesUs.sort((a, b) => a - b);
const result: LoadResult = {
  requests: latenciesUs.length,
  durationUs,
  broken,
  refused,
  p50Us: percentile(latenciesUs, 50),
  p99Us: percentile(latenciesUs, 99),
};
console.log(JSON.stringify(result));

async function requestUntilEnd(): Promise<void> {
  while (performance.now() < endMs) {
    try {
      await requestOnOneConnection();
    } catch {
      broken++;
    }
  }
}

async function requestOnOneConnection(): Promise<void> {
  using connection = await HttpConnection.open(host, Number(port));
  while (performance.now() < endMs) {
    const { status, totalUs } = await connection.call(
      body === undefined
        ? { method: "GET", path }
        : { method: "POST", path, body: [body], bodyBytes: body.length },
    );
    latenciesUs.push(totalUs);
    if (status >= 400) {
      refused++;
    }
  }
}

function jsonOf(bytes: number): Buffer | undefined {
  const empty = JSON.stringify({ text: "" });
  return bytes === 0
    ? undefined
    : Buffer.from(JSON.stringify({ text: "a".repeat(bytes - empty.length) }));
}
