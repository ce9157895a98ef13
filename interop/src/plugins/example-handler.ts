import type { Request, ResponseInit } from "../messages.js";

let cuts = 0;
const cutOff = Promise.withResolvers<string>();

/**
 * What every peer serves, in every language: one exchange, from the parts of a request to the parts of
 * its response (proto/servehttp/v1/exchange.proto). It is the same on both carriers.
 *
 * | request | answer |
 * |---|---|
 * | `GET /headers` | the request's `x-` fields, as they came; method and url as the body |
 * | `POST /echo` | an informational response, each chunk as it comes, the number of bytes as a trailer |
 * | `GET /cut-off` | waits until an echo's request is cut off, then says so |
 * | `POST /early` | 413, without reading the body |
 * | `GET /unfinished` | half a response: no end |
 *
 * For the rest it is what `servehttp-conformance --core` asks of a plugin:
 *
 * | request | answer |
 * |---|---|
 * | `GET /cut` | how many uploads were cut off |
 * | any url that ends with `?fail` | the handler fails |
 * | any other | as `/echo` |
 */
export async function* exampleHandler(
  requests: AsyncIterable<Request>,
): AsyncGenerator<ResponseInit> {
  const messages = requests[Symbol.asyncIterator]();
  const first: Request | undefined = (await messages.next()).value;
  if (!first?.init) {
    return; // A close before init: the host changed its mind.
  }
  const { init } = first;
  if (init.url.endsWith("?fail")) {
    throw new Error("as asked");
  }
  const body = readBody(first, messages);
  switch (init.url) {
    case "/headers":
      yield {
        init: { status: 200, headers: init.headers.filter(({ name }) => /^x-/i.test(name)) },
        chunk: Buffer.from(`${init.method} ${init.url}`),
        end: {},
      };
      return;
    case "/early":
      yield { init: { status: 413 }, chunk: Buffer.from("too much"), end: {} };
      return;
    case "/cut-off":
      yield { init: { status: 200 }, flush: true };
      yield { chunk: Buffer.from(await cutOff.promise), end: {} };
      return;
    case "/unfinished":
      yield { init: { status: 200 }, chunk: Buffer.from("half of it") };
      return;
    case "/cut":
      yield { init: { status: 200 }, chunk: Buffer.from(`${cuts}`), end: {} };
      return;
    default:
      yield* echo(body);
  }
}

/** The chunks of a body. Throws where the request stops without an end: it was cut off. */
async function* readBody(first: Request, rest: AsyncIterator<Request>): AsyncGenerator<Uint8Array> {
  for (let message: Request | undefined = first; message; message = (await rest.next()).value) {
    if (message.chunk.length > 0) {
      yield message.chunk;
    }
    if (message.end) {
      return;
    }
  }
  throw new Error("cut off");
}

async function* echo(body: AsyncIterable<Uint8Array>): AsyncGenerator<ResponseInit> {
  const link = { name: "Link", values: [Buffer.from("</style.css>; rel=preload")] };
  let bytes = 0;
  let isWhole = false;
  try {
    yield { informational: [{ status: 103, headers: [link] }], init: { status: 200 }, flush: true };
    for await (const chunk of body) {
      bytes += chunk.length;
      yield { chunk };
    }
    isWhole = true;
  } finally {
    // Also where the stack stops asking for the response.
    if (!isWhole) {
      cuts += 1;
      cutOff.resolve("the request was cut off");
    }
  }
  yield { end: { trailers: [{ name: "X-Bytes", values: [Buffer.from(`${bytes}`)] }] } };
}
