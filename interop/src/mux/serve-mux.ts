import type { Request, RequestBatch, ResponseBatchInit, ResponseInit } from "../messages.js";
import { MessageQueue } from "./message-queue.js";
import { type Frame, MuxExchange } from "./mux-exchange.js";

type Handler = (requests: AsyncIterable<Request>) => AsyncIterable<ResponseInit>;
type Outbox = MessageQueue<Frame<ResponseInit>>;

const resetCodeHandlerFailed = 5;

/** The mux carrier on the plugin's side: what a ServeHTTPMux handler of any stack yields. */
export async function* serveMux(
  batches: AsyncIterable<RequestBatch>,
  handler: Handler,
): AsyncGenerator<ResponseBatchInit> {
  yield {}; // The hello.
  const outbox: Outbox = new MessageQueue();
  const reading = readFrames(batches, outbox, handler).finally(() => outbox.close());
  // Awaited below, unless the stack stops asking, as it does where a message can't be written.
  reading.catch(() => undefined);
  // Whatever is ready goes into one message.
  for (let frames = await outbox.takeAll(); frames.length > 0; frames = await outbox.takeAll()) {
    yield { frames };
  }
  await reading;
}

async function readFrames(
  batches: AsyncIterable<RequestBatch>,
  outbox: Outbox,
  handler: Handler,
): Promise<void> {
  const exchanges = new Map<bigint, PluginExchange>();
  try {
    for await (const { frames } of batches) {
      for (const frame of frames) {
        const id = frame.exchangeId;
        if (frame.parts?.init) {
          const exchange: PluginExchange = new MuxExchange(id, outbox);
          exchanges.set(id, exchange);
          void answer(exchange, handler).finally(() => exchanges.delete(id));
        }
        // There is none where the exchange is over: the frame is late, and ignored.
        exchanges.get(id)?.accept(frame);
      }
    }
  } finally {
    for (const exchange of exchanges.values()) {
      exchange.abort(new Error("the connection to the host is gone"));
    }
  }
}

type PluginExchange = MuxExchange<Request, ResponseInit>;

async function answer(exchange: PluginExchange, handler: Handler): Promise<void> {
  try {
    let ended = false;
    for await (const parts of handler(exchange.received())) {
      await exchange.send(parts);
      ended ||= Boolean(parts.end);
    }
    if (!ended) {
      throw new Error("the handler stopped before the end of its response");
    }
  } catch (error) {
    exchange.reset(resetCodeHandlerFailed, new Error("the handler failed", { cause: error }));
  }
}
