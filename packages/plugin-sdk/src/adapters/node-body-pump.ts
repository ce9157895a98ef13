import type { IncomingMessage } from "node:http";
import { fieldsOf } from "../handler/header-list.js";
import type { PluginRequest } from "../handler/plugin-request.js";
import { completeIncoming, connectionReset } from "./node-request.js";
import type { NodeSocket } from "./node-socket.js";

/**
 * Brings the body of a request to Node's request, as Node's parser does: as it comes, until the
 * request is full, and on when that one asks for more. A body that the client holds back is brought
 * when it is asked for, and that there is none is told then.
 *
 * pumping -> idle, complete, cut [#pump]; idle -> pumping [resume]
 * unasked -> pumping, complete [resume]
 * any -> complete, left [leave]; left -> complete, cut [#pumpRest]
 */
export class NodeBodyPump {
  readonly #request: PluginRequest;
  readonly #incoming: IncomingMessage;
  readonly #socket: NodeSocket;
  #state: "unasked" | "pumping" | "idle" | "left" | "complete" | "cut" = "unasked";
  #chunks: AsyncIterator<Uint8Array> | undefined;

  /** @param socket counts the bytes, and says that it is paused while the request is full */
  constructor(request: PluginRequest, incoming: IncomingMessage, socket: NodeSocket) {
    this.#request = request;
    this.#incoming = incoming;
    this.#socket = socket;
    if (request.contentLength !== 0 && !request.expectContinue) {
      this.#state = "pumping";
      void this.#pump();
    }
  }

  /** Whether nothing of the body is to come any more. */
  get isOver(): boolean {
    return this.#state === "complete";
  }

  /** Whether the handler is reading the body and has not got all of it. */
  get isUnderWay(): boolean {
    const incoming = this.#incoming;
    return (
      this.#request.contentLength !== 0 &&
      this.#state !== "complete" &&
      this.#state !== "cut" &&
      !incoming.destroyed &&
      (incoming.readableFlowing === true ||
        incoming.listenerCount("readable") > 0 ||
        isPiped(incoming))
    );
  }

  /** Called when Node's request has room. */
  resume(): void {
    if (this.#state === "unasked" && this.#request.contentLength === 0) {
      this.#complete([]);
    } else if (this.#state === "unasked" || this.#state === "idle") {
      this.#state = "pumping";
      void this.#pump();
    }
  }

  /**
   * The response has ended, so that the host sends no more of the body. As with Node, a body that
   * was never looked at ends quietly, and one that the handler has begun to read and has paused
   * stays as it is. A handler that resumes it gets what has come so far, and then the error of a
   * broken connection.
   */
  leave(): void {
    if (isUntouched(this.#incoming)) {
      this.#complete([]);
      this.#incoming.resume();
    } else if (this.#state === "pumping" || this.#state === "idle") {
      this.#state = "left";
      this.#incoming.once("resume", () => void this.#pumpRest());
    }
  }

  async #pump(): Promise<void> {
    try {
      while (this.#state === "pumping") {
        // oxlint-disable-next-line no-await-in-loop -- at the pace of the reader
        const hasRoom = await this.#pumpOne();
        if (!hasRoom && this.#state === "pumping") {
          this.#state = "idle";
          this.#socket.pause();
        }
      }
    } catch {
      // The request's signal has the reason. Node's request knows one only.
      if (this.#state !== "left") {
        this.#cut();
      }
    }
  }

  async #pumpRest(): Promise<void> {
    try {
      while (this.#state === "left") {
        // oxlint-disable-next-line no-await-in-loop -- one after the other
        await this.#pumpOne();
      }
    } catch {
      this.#cut();
    }
  }

  /** Brings one chunk, or the end. Says whether there is room for another. */
  async #pumpOne(): Promise<boolean> {
    this.#chunks ??= this.#request.body[Symbol.asyncIterator]();
    const result = await this.#chunks.next();
    if (this.#state === "complete" || this.#state === "cut") {
      return false;
    }
    if (result.done !== true) {
      this.#socket.bytesRead += result.value.length;
      return this.#incoming.push(result.value);
    }
    this.#complete(fieldsOf(await this.#request.trailers));
    return true;
  }

  #complete(trailers: readonly string[]): void {
    if (this.#state !== "cut" && this.#state !== "complete") {
      this.#state = "complete";
      completeIncoming(this.#incoming, trailers);
    }
  }

  #cut(): void {
    if (this.#state !== "complete") {
      this.#state = "cut";
      this.#incoming.destroy(connectionReset());
    }
  }
}

/** Whether nobody has begun to read the request. */
function isUntouched(incoming: IncomingMessage): boolean {
  return (
    incoming.readableFlowing === null &&
    !incoming.readableDidRead &&
    incoming.listenerCount("readable") === 0
  );
}

/**
 * Whether the request flows into a stream. Such a request is paused whenever that stream is full.
 */
function isPiped(incoming: IncomingMessage): boolean {
  const { _readableState: state } = incoming as { _readableState?: { pipes?: unknown[] } };
  return (state?.pipes?.length ?? 0) > 0;
}
