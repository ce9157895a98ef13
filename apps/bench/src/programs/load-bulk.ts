/**
 * Moves bytes on several connections at once. Arguments: host, port, prefix, "up", "down" or "both"
 * (half of the connections each), connections, bytes of one transfer, "once" or "endless". Prints
 * {"bytes", "durationUs"} when all transfers are through, or, endless, when stdin ends.
 */
import { HttpConnection } from "../load/http-connection.js";
import { seededBytes } from "../load/seeded-bytes.js";

const [, , host = "", port, prefix = "", direction, connections, sizeText, mode] = process.argv;
const transferBytes = Number(sizeText);
const block = seededBytes(7).next().value;
const startedMs = performance.now();
let bytes = 0;

if (mode === "endless") {
  console.log("started");
  process.stdin.resume().once("end", () => {
    report();
    process.exit(0);
  });
}
await Promise.all(
  Array.from({ length: Number(connections) }, async (_, index) => {
    const up = direction === "both" ? index % 2 === 0 : direction === "up";
    using connection = await HttpConnection.open(host, Number(port));
    do {
      await (up ? upload(connection) : download(connection));
    } while (mode === "endless");
  }),
);
report();

async function upload(connection: HttpConnection): Promise<void> {
  const path = `${prefix}/upload`;
  let answer = "";
  const { status } = await connection.call({
    method: "POST",
    path,
    body: blocks(),
    bodyBytes: transferBytes,
    onBody: (chunk) => (answer += chunk.toString("latin1")),
  });
  if (status !== 200 || answer !== JSON.stringify({ bytes: transferBytes })) {
    throw new Error(`status ${status}: ${answer}`);
  }
}

async function download(connection: HttpConnection): Promise<void> {
  const path = `${prefix}/download?bytes=${transferBytes}`;
  const answer = await connection.call({ method: "GET", path, onBody: count });
  if (answer.status !== 200 || answer.bytes !== transferBytes) {
    throw new Error(`status ${answer.status}, ${answer.bytes} bytes`);
  }
}

function* blocks(): Generator<Uint8Array> {
  for (let left = transferBytes; left > 0; left -= block.length) {
    const chunk = left < block.length ? block.subarray(0, left) : block;
    count(chunk);
    yield chunk;
  }
}

function count(chunk: Uint8Array): void {
  bytes += chunk.length;
}

function report(): void {
  console.log(JSON.stringify({ bytes, durationUs: (performance.now() - startedMs) * 1_000 }));
}
