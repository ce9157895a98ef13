import type { IncomingMessage, ServerResponse } from "node:http";
import type { FieldList, RequestInit, ServeHTTPError } from "@servehttp/contract";
import { destroySocket } from "../client/destroy-socket.js";
import type { CallFacts, CloseListener, RequestEntry } from "../client/incoming-request.js";
import { NodeIncomingRequest } from "../node/request.js";
import { callFields, forwardedFields } from "./call-fields.js";
import type { Caller } from "./callers.js";
import type { CallingExchange, RunningCall } from "./calling-exchange.js";

/**
 * A request that a plugin makes. It says of its client what the exchange says within which it is
 * made, whatever the plugin sends.
 */
export class CallRequest extends NodeIncomingRequest implements RunningCall {
  readonly call: CallFacts;
  readonly #outer: RequestInit | undefined;
  readonly #rawHeaders: FieldList;
  readonly #listeners: CloseListener[] = [];

  /** @param within undefined for a call outside of all exchanges */
  constructor(
    message: IncomingMessage,
    response: ServerResponse,
    entry: RequestEntry,
    caller: Caller,
    within: CallingExchange | undefined,
  ) {
    super(message, response, entry);
    const outer = within?.init;
    this.#outer = outer;
    this.#rawHeaders = callFields(message.rawHeaders, outer);
    this.call = {
      pluginId: caller.plugin.id,
      depth: (within?.depth ?? 0) + 1,
      deadlineUnixMs: outer?.deadlineUnixMs ?? 0,
      forwarded: forwardedFields(outer),
    };
  }

  override get rawHeaders(): FieldList {
    return this.#rawHeaders;
  }

  override get scheme(): "http" | "https" {
    return this.#outer?.scheme ?? "http";
  }

  override get remoteAddress(): string {
    return this.#outer?.remoteAddress ?? "";
  }

  override onClose(listener: CloseListener): void {
    this.#listeners.push(listener);
    super.onClose(listener);
  }

  cancel(reason: ServeHTTPError): void {
    for (const listener of this.#listeners) {
      listener.stop?.(reason);
    }
    destroySocket(this.message.socket, false);
  }
}
