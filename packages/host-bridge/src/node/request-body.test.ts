import { once } from "node:events";
import {
  type ClientHttp2Session,
  connect,
  createServer,
  type Http2ServerRequest,
} from "node:http2";
import type { AddressInfo } from "node:net";
import { until } from "@servehttp/testkit";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { unprovenEndMs } from "../limits.js";
import { NodeBody } from "./request-body.js";

/** What a body tells. */
class Sink {
  bytes = 0;
  ended = false;

  bodyChunk(chunk: Buffer): void {
    this.bytes += chunk.length;
  }

  bodyEnd(): void {
    this.ended = true;
  }
}

// The only timer here is the body's: its time comes when a test says so.
beforeEach(() => void vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] }));
afterEach(() => void vi.useRealTimers());

test("S5: an HTTP/2 body whose stream is reset behind its end has no end", async () => {
  await using exchange = await Exchange.open({});
  const { sink, upload, request } = exchange;
  upload.write("half of it");
  await until(() => sink.bytes > 0, "the half");
  // Node ends the stream, and resets it then.
  upload.close(8);
  await until(() => request.stream.destroyed, "the reset");
  exchange.body.stop();
  vi.advanceTimersByTime(10 * unprovenEndMs);
  expect(sink.ended).toBe(false);
  expect(vi.getTimerCount()).toBe(0);
});

test("an HTTP/2 body without a length ends when no reset follows its end", async () => {
  await using exchange = await Exchange.open({});
  const { sink, upload, request } = exchange;
  upload.end("all of it");
  await until(() => request.readableEnded, "the end");
  expect(sink.ended).toBe(false);
  vi.advanceTimersByTime(unprovenEndMs);
  expect(sink).toMatchObject({ bytes: 9, ended: true });
});

test("an HTTP/2 body whose length is told ends with its last byte", async () => {
  await using exchange = await Exchange.open({ "content-length": "9" });
  exchange.upload.end("all of it");
  await until(() => exchange.sink.ended, "the end");
  expect(exchange.sink.bytes).toBe(9);
});

/** A request of Node's HTTP/2 whose body is read. */
class Exchange implements AsyncDisposable {
  readonly upload: ReturnType<ClientHttp2Session["request"]>;
  readonly request: Http2ServerRequest;
  readonly body: NodeBody;
  readonly sink = new Sink();
  readonly #opened: AsyncDisposableStack;

  private constructor(
    upload: ReturnType<ClientHttp2Session["request"]>,
    request: Http2ServerRequest,
    opened: AsyncDisposableStack,
  ) {
    this.upload = upload;
    this.request = request;
    this.body = new NodeBody(request);
    this.body.start(this.sink);
    this.#opened = opened;
  }

  static async open(headers: Record<string, string>): Promise<Exchange> {
    await using opened = new AsyncDisposableStack();
    const server = createServer();
    opened.defer(() => void server.close());
    await once(server.listen(0, "127.0.0.1"), "listening");
    const session = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    opened.defer(() => session.destroy());
    const asked = once(server, "request");
    const upload = session.request({ ...headers, ":method": "POST" }, { endStream: false });
    upload.on("error", () => undefined);
    const [request] = (await asked) as [Http2ServerRequest];
    request.on("error", () => undefined);
    return new Exchange(upload, request, opened.move());
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#opened.disposeAsync();
  }
}
