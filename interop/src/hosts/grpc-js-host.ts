import * as grpc from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";
import type { RequestBatchInit, ResponseBatch } from "../messages.js";
import { repositoryRoot } from "../repository-root.js";

const services = grpc.loadPackageDefinition(
  loadSync("servehttp/v1/plugin.proto", {
    includeDirs: [`${repositoryRoot}proto`],
    defaults: true,
    longs: String,
  }),
) as unknown as { servehttp: { v1: { PluginService: grpc.ServiceClientConstructor } } };

/**
 * The mux RPC of a host on stock grpc-js, with the contract loaded from its .proto files. `fields` are metadata beside the
 * token.
 */
export class GrpcJsHost implements Disposable {
  readonly #client: grpc.Client;
  readonly #metadata = new grpc.Metadata();

  constructor(socketPath: string, token: string, fields: Record<string, string> = {}) {
    this.#client = new services.servehttp.v1.PluginService(
      `unix:${socketPath}`,
      grpc.credentials.createInsecure(),
    );
    for (const [name, value] of Object.entries({ authorization: `Bearer ${token}`, ...fields })) {
      this.#metadata.set(name, value);
    }
  }

  async *serveHTTPMux(batches: AsyncIterable<RequestBatchInit>): AsyncGenerator<ResponseBatch> {
    const call = (this.#client as unknown as MuxClient).ServeHTTPMux(this.#metadata);
    void writeAll(batches, call);
    for await (const { frames } of call as AsyncIterable<LoadedBatch>) {
      // The ids are strings as they come.
      const read = frames.map((frame) => ({ ...frame, exchangeId: BigInt(frame.exchangeId) }));
      yield { frames: read } as ResponseBatch;
    }
  }

  [Symbol.dispose](): void {
    this.#client.close();
  }
}

interface LoadedBatch {
  readonly frames: readonly { readonly exchangeId: string }[];
}

interface MuxClient {
  ServeHTTPMux(metadata: grpc.Metadata): grpc.ClientDuplexStream<object, LoadedBatch>;
}

async function writeAll(
  batches: AsyncIterable<RequestBatchInit>,
  call: grpc.ClientDuplexStream<object, LoadedBatch>,
): Promise<void> {
  for await (const { frames = [] } of batches) {
    call.write({
      frames: frames.map((frame) => ({ ...frame, exchangeId: String(frame.exchangeId) })),
    });
  }
  call.end();
}
