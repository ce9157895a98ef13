/**
 * Measures how long the first byte of a response body takes, one request after the other on one
 * connection. Arguments: host, port, path, seconds. Prints {"count", "p50Us", "p99Us"}.
 */
import { HttpConnection } from "../load/http-connection.js";
import { percentile } from "../statistics.js";

const [, , host = "", port, path = "", seconds] = process.argv;
using connection = await HttpConnection.open(host, Number(port));
const timesUs: number[] = [];
const endMs = performance.now() + Number(seconds) * 1_000;
while (performance.now() < endMs) {
  const { status, firstByteUs } = await connection.call({ method: "GET", path });
  if (status !== 200) {
    throw new Error(`status ${status}`);
  }
  timesUs.push(firstByteUs);
}
timesUs.sort((a, b) => a - b);
console.log(
  JSON.stringify({
    count: timesUs.length,
    p50Us: percentile(timesUs, 50),
    p99Us: percentile(timesUs, 99),
  }),
);
