import type { Request, ResponseInit } from "../messages.js";

let cuts = 0;

/**
 * What `servehttp-conformance --core` asks of a plugin: it echoes, fails where the url ends with `?fail`,
 * and says at `/cut` how many uploads were cut off.
 */
export async function* coreHandler(requests: AsyncIterable<Request>): AsyncGenerator<ResponseInit> {
  let hasEnded = true;
  try {
    for await (const { init, chunk, end } of requests) {
      if (init?.url.endsWith("?fail")) {
        throw new Error("as asked");
      }
      if (init?.url === "/cut") {
        yield { init: { status: 200 }, chunk: Buffer.from(String(cuts)), end: {} };
        return;
      }
      if (init) {
        hasEnded = false;
        yield { init: { status: 200 }, flush: true };
      }
      if (chunk.length > 0) {
        yield { chunk };
      }
      if (end) {
        hasEnded = true;
        yield { end: {} };
        return;
      }
    }
    throw new Error("the upload was cut off");
  } finally {
    cuts += hasEnded ? 0 : 1;
  }
}
