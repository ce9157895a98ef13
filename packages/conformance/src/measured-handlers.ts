import type { NamedHandler } from "./behaviour.js";
import { aborted } from "./behaviours/response.js";
import { readThrough } from "./behaviours/request.js";
import { seededChunks } from "./seeded-bytes.js";

/** Answers before the upload has come. */
export const earlyAnswer: NamedHandler = {
  row: "measured",
  name: "early answer",
  async handler(_request, response) {
    response.writeHead(413);
    await response.end("too large");
  },
};

/** Sends nothing until it is aborted. */
export const silent: NamedHandler = {
  row: "measured",
  name: "silent",
  handler: (request) => aborted(request),
};

/** Streams until the client leaves, and reports when, in nanoseconds of the monotonic clock. */
export const cancelled: NamedHandler = {
  row: "measured",
  name: "cancelled",
  async handler(request, response, observe) {
    request.signal.addEventListener("abort", () => {
      observe.event("aborted", process.hrtime.bigint().toString());
    });
    await response.write("first");
    await aborted(request);
  },
};

/** Writes half of a seeded body, waits, and writes the rest. */
export const neighbour: NamedHandler = {
  row: "measured",
  name: "neighbour",
  async handler(_request, response, observe) {
    let written = 0;
    for (const chunk of seededChunks("neighbour", neighbourBytes)) {
      if (written === neighbourBytes / 2) {
        await observe.gate("go on");
      }
      await response.write(chunk);
      written += chunk.byteLength;
    }
  },
};

/** Bytes of a neighbour's body. */
export const neighbourBytes = 16 * 65_536;

/** Takes an upload and answers with its hash. */
export const received: NamedHandler = {
  row: "measured",
  name: "received",
  async handler(request, response) {
    await response.end(JSON.stringify(await readThrough(request)));
  },
};

/** Sends as many seeded bytes as the query says: `?bytes=1000`. */
export const sent: NamedHandler = {
  row: "measured",
  name: "sent",
  async handler(request, response) {
    const sizeBytes = Number(/bytes=(\d+)/.exec(request.url)?.[1]);
    for (const chunk of seededChunks("sent", sizeBytes)) {
      await response.write(chunk);
    }
  },
};

/** Handlers for measurements and load, which pin no row. */
export const measuredHandlers: readonly NamedHandler[] = [
  earlyAnswer,
  silent,
  cancelled,
  neighbour,
  received,
  sent,
];
