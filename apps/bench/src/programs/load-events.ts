/**
 * Subscribes to events and counts them. Arguments: host, port, path, subscribers, seconds. The
 * count starts when all have had their first event. Prints {"events", "durationUs"}.
 */
import { HttpConnection } from "../load/http-connection.js";

const [, , host = "", port, path = "", subscribers, seconds] = process.argv;
const tilde = "~".charCodeAt(0);
let events = 0;

/** Fails with the first stream that ends. */
const lost = Promise.withResolvers<never>();
await Promise.race([
  lost.promise,
  Promise.all(Array.from({ length: Number(subscribers) }, subscribe)),
]);
const eventsBefore = events;
const startedMs = performance.now();
await Promise.race([
  lost.promise,
  new Promise((resolve) => setTimeout(resolve, Number(seconds) * 1_000)),
]);
console.log(
  JSON.stringify({
    events: events - eventsBefore,
    durationUs: (performance.now() - startedMs) * 1_000,
  }),
);
process.exit(0);

/** Settles with the first event. */
async function subscribe(): Promise<void> {
  const connection = await HttpConnection.open(host, Number(port));
  await new Promise<void>((resolve) => {
    const onBody = (chunk: Buffer) => {
      countEvents(chunk);
      resolve();
    };
    connection
      .call({ method: "GET", path, onBody })
      .then(
        ({ status }) => lost.reject(new Error(`a stream of status ${status} ended`)),
        lost.reject,
      );
  });
}

/** Every event has one tilde (serve-bench.ts), wherever the pieces are cut. */
function countEvents(chunk: Buffer): void {
  for (let at = chunk.indexOf(tilde); at !== -1; at = chunk.indexOf(tilde, at + 1)) {
    events++;
  }
}
