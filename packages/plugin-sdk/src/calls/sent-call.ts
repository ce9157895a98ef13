import { type Agent, ClientRequest, type IncomingMessage } from "node:http";
import type { ListenAddress } from "@servehttp/carrier";
import { ServeHTTPError } from "@servehttp/contract";
import type { PluginCallResponse } from "../handler/plugin-calls.js";
import type { CallSpan } from "../tracing/call-span.js";
import type { CallHead } from "./call-head.js";
import { brokenOff, callResponse } from "./call-response.js";

const nothing = Buffer.alloc(0);

/** A call on its way: the request is sent while the response comes. */
export class SentCall {
  readonly #head: CallHead;
  readonly #outgoing: ClientRequest;
  readonly #signals: readonly AbortSignal[];
  readonly #span: CallSpan | undefined;
  readonly #response = Promise.withResolvers<PluginCallResponse>();
  readonly #onAbort = (event: Event): void => this.#fail((event.target as AbortSignal).reason);
  #incoming: IncomingMessage | undefined;
  #failure: { readonly reason: unknown } | undefined;

  /**
   * @param signals none of which has aborted
   * @param span there where the call is traced
   */
  constructor(
    address: ListenAddress,
    agent: Agent,
    head: CallHead,
    signals: readonly AbortSignal[],
    span?: CallSpan,
  ) {
    this.#head = head;
    this.#signals = signals;
    this.#span = span;
    for (const signal of signals) {
      signal.addEventListener("abort", this.#onAbort, { once: true });
    }
    // As `request` of node:http does. Instrumentations replace that one by a function that makes an
    // object of the fields, whose names are then "0", "1" and so on.
    const outgoing = new ClientRequest({
      ...("path" in address ? { socketPath: address.path } : address),
      agent,
      method: head.method,
      path: head.target,
      headers: span === undefined ? head.fields : [...head.fields, ...span.fields],
      setHost: false,
    });
    this.#outgoing = outgoing;
    outgoing.on("response", (incoming) => this.#onResponse(incoming));
    outgoing.on("error", (error) => this.#onError(error));
    outgoing.on("close", () => this.#onClose());
    this.#send().catch((error: unknown) => this.#fail(error));
  }

  get response(): Promise<PluginCallResponse> {
    return this.#response.promise;
  }

  async #send(): Promise<void> {
    const { body, bodyBytes, trailers } = this.#head;
    const outgoing = this.#outgoing;
    if (body !== undefined) {
      // So that the other plugin has the head before the first byte of the body is there. Unlike
      // `flushHeaders`, this sends it as Latin-1.
      outgoing.write(nothing);
      const sentBytes = await this.#sendBody(body);
      if (outgoing.destroyed) {
        return;
      }
      if (bodyBytes !== undefined && sentBytes !== bodyBytes) {
        throw wrongLength(sentBytes, bodyBytes);
      }
    }
    if (trailers.length > 0) {
      outgoing.addTrailers(pairsOf(trailers));
    }
    outgoing.end();
  }

  async #sendBody(body: NonNullable<CallHead["body"]>): Promise<number> {
    const { bodyBytes } = this.#head;
    const outgoing = this.#outgoing;
    let sentBytes = 0;
    while (!outgoing.destroyed) {
      // oxlint-disable-next-line no-await-in-loop -- at the pace of the other plugin
      const { done, value } = await body.next();
      if (done === true) {
        break;
      }
      if (!(value instanceof Uint8Array)) {
        throw new ServeHTTPError("invalid-argument", "a body of a call gives bytes (Uint8Array)");
      }
      sentBytes += value.length;
      if (bodyBytes !== undefined && sentBytes > bodyBytes) {
        throw wrongLength(sentBytes, bodyBytes);
      }
      if (!outgoing.destroyed && value.length > 0 && !outgoing.write(value)) {
        // oxlint-disable-next-line no-await-in-loop -- as above
        await roomOf(outgoing);
      }
    }
    return sentBytes;
  }

  #onResponse(incoming: IncomingMessage): void {
    this.#incoming = incoming;
    this.#span?.answered(incoming.statusCode ?? 0);
    incoming.once("end", () => {
      if (!this.#outgoing.writableEnded) {
        // It has answered in full, and takes no more of the request.
        this.#outgoing.destroy();
      }
    });
    try {
      this.#response.resolve(callResponse(incoming, this.#head.method, () => this.#failure));
    } catch (error) {
      this.#fail(error);
    }
  }

  #onError(error: Error): void {
    // Where the whole response is there already, it breaks only what is still sent.
    if (this.#incoming?.complete !== true) {
      this.#fail(brokenOff(error));
    }
  }

  #fail(reason: unknown): void {
    this.#failure ??= { reason };
    this.#response.reject(reason);
    this.#outgoing.destroy();
  }

  #onClose(): void {
    for (const signal of this.#signals) {
      signal.removeEventListener("abort", this.#onAbort);
    }
    this.#head.body?.cancel(this.#failure?.reason);
    if (this.#incoming === undefined) {
      this.#fail(brokenOff(undefined));
    }
    this.#span?.end(this.#failure);
  }
}

/** Resolves when a request takes more, or takes nothing any more. */
function roomOf(outgoing: ClientRequest): Promise<void> {
  return new Promise((resolve) => {
    const onRoom = (): void => {
      outgoing.off("drain", onRoom);
      outgoing.off("close", onRoom);
      resolve();
    };
    outgoing.on("drain", onRoom);
    outgoing.on("close", onRoom);
  });
}

function wrongLength(sentBytes: number, bodyBytes: number): ServeHTTPError {
  const bound = sentBytes > bodyBytes ? "more" : "less";
  const message = `the body of a call has ${bound} bytes than its Content-Length of ${bodyBytes}`;
  return new ServeHTTPError("invalid-argument", message);
}

function pairsOf(fields: readonly string[]): [string, string][] {
  const pairs: [string, string][] = [];
  for (let at = 0; at + 1 < fields.length; at += 2) {
    pairs.push([fields[at] as string, fields[at + 1] as string]);
  }
  return pairs;
}
