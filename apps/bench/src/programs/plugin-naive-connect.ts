/** A bidi RPC for each exchange on stock connect-node. Arguments: the path of a unix socket. */
import { createServer } from "node:http2";

import type { MessageShape } from "@bufbuild/protobuf";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import { PluginService } from "@servehttp/contract/services";

import { announce } from "./announce.js";
import { NaiveExchange, type NaiveSink, type ResponseMessage } from "./naive-exchange.js";
import { serveBench } from "./serve-bench.js";

async function* serveHTTP(
  requests: AsyncIterable<MessageShape<typeof PluginService.method.serveHTTP.input>>,
  context: { readonly signal: AbortSignal },
): AsyncGenerator<ResponseMessage> {
  const sink = new QueueSink(context.signal);
  const served = NaiveExchange.open(requests, sink)
    .then(serveBench)
    .catch((error: unknown) => sink.fail(error));
  yield* sink.messages();
  await served;
}

/** Turns a handler that pushes into a generator that is pulled. */
class QueueSink implements NaiveSink {
  readonly #queue: ResponseMessage[] = [];
  readonly #signal: AbortSignal;
  #wakeReader = noWake;
  #wakeWriter = noWake;
  #finished = false;
  #failure: unknown;

  constructor(signal: AbortSignal) {
    this.#signal = signal;
    signal.addEventListener("abort", () => this.finish());
  }

  send(message: ResponseMessage): Promise<void> {
    this.#queue.push(message);
    this.#wakeReader();
    return new Promise((resolve) => (this.#wakeWriter = resolve));
  }

  finish(): void {
    this.#finished = true;
    this.#wakeReader();
    this.#wakeWriter();
  }

  fail(error: unknown): void {
    this.#failure = error;
    this.finish();
  }

  onClose(listener: () => void): void {
    this.#signal.addEventListener("abort", listener);
  }

  async *messages(): AsyncGenerator<ResponseMessage> {
    for (;;) {
      const message = this.#queue.shift();
      if (message !== undefined) {
        yield message;
      } else if (this.#finished) {
        break;
      } else {
        this.#wakeWriter();
        await new Promise<void>((resolve) => (this.#wakeReader = resolve));
      }
    }
    if (this.#failure !== undefined) {
      throw this.#failure;
    }
  }
}

function noWake(): void {
  // Nobody waits yet.
}

announce(
  createServer(
    connectNodeAdapter({ routes: (router) => router.service(PluginService, { serveHTTP }) }),
  ),
  process.argv[2],
);
