import type { MessageInitShape, MessageShape } from "@bufbuild/protobuf";
import type { PluginService } from "@servehttp/contract/services";

import type { BenchExchange } from "./bench-exchange.js";

type RequestMessage = MessageShape<typeof PluginService.method.serveHTTP.input>;
export type ResponseMessage = MessageInitShape<typeof PluginService.method.serveHTTP.output>;

/** Where the messages of a naive response go. */
export interface NaiveSink {
  /** Returns a promise where there is no room. */
  send(message: ResponseMessage): Promise<unknown> | undefined;
  finish(): void;
  onClose(listener: () => void): void;
}

/** An exchange on a bidi RPC as somebody would write it first: one message for each part. */
export class NaiveExchange implements BenchExchange {
  readonly method: string;
  readonly url: string;
  readonly body: AsyncIterable<Uint8Array>;
  readonly #sink: NaiveSink;

  /** Waits for the first message, which holds the head. */
  static async open(
    messages: AsyncIterable<RequestMessage>,
    sink: NaiveSink,
  ): Promise<NaiveExchange> {
    const iterator = messages[Symbol.asyncIterator]();
    const first = await iterator.next();
    if (first.done === true || first.value.init === undefined) {
      throw new Error("no head");
    }
    return new NaiveExchange(first.value, iterator, sink);
  }

  private constructor(
    first: RequestMessage,
    messages: AsyncIterator<RequestMessage>,
    sink: NaiveSink,
  ) {
    this.method = first.init?.method ?? "";
    this.url = first.init?.url ?? "";
    this.body = chunksOf(first, messages);
    this.#sink = sink;
  }

  head(status: number, fields: ReadonlyArray<readonly [string, string]>): void {
    const headers = fields.map(([name, value]) => ({
      name,
      values: [Buffer.from(value, "latin1")],
    }));
    void this.#sink.send({ init: { status, headers } });
  }

  write(chunk: Uint8Array): Promise<unknown> | undefined {
    return this.#sink.send({ chunk });
  }

  end(chunk?: Uint8Array): undefined {
    if (chunk !== undefined) {
      void this.write(chunk);
    }
    void this.#sink.send({ end: {} });
    this.#sink.finish();
  }

  onClose(listener: () => void): void {
    this.#sink.onClose(listener);
  }
}

async function* chunksOf(
  first: RequestMessage,
  rest: AsyncIterator<RequestMessage>,
): AsyncGenerator<Uint8Array> {
  let message = first;
  for (;;) {
    if (message.chunk.byteLength > 0) {
      yield message.chunk;
    }
    if (message.end !== undefined) {
      return;
    }
    const next = await rest.next();
    if (next.done === true) {
      throw new Error("cut off");
    }
    message = next.value;
  }
}
