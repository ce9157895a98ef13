import type { Context } from "@opentelemetry/api";
import { ServeHTTPError } from "@servehttp/contract";
import type { HeaderList } from "./header-list.js";
import type { HeadersInput } from "./read-headers.js";

/** Calls of a plugin to others of its host. */
export interface PluginCalls {
  /**
   * Sends a request to another plugin of the host, and resolves with the response when its head is
   * there. Both bodies stream, each at the pace of its reader.
   *
   * Within an exchange the other plugin learns who this exchange's client is, as this plugin does:
   * address, context, and the fields by which the host says so. It also gets the exchange's deadline
   * and trace context, and `calledBy` says which plugin calls. The call is cancelled when the
   * exchange ends, also when it ends well.
   *
   * Redirects are not followed and bodies not decompressed. Where the other plugin does not answer,
   * the response is the host's, as a client would get it, with a `Proxy-Status` field: 503 for a
   * plugin that is not running, 502 and 504 for one that is lost or too slow, 508 where plugins call
   * each other more than 8 deep.
   *
   * @param id of the plugin at the host. The host's option `mayCall` of this plugin has to name it
   * @param path and query for it, from `/` on. What no request target may hold is percent-encoded;
   *   nothing else is changed
   * @throws ServeHTTPError `call-refused` where the host's options do not allow the call, the host
   *   has no such plugin, or the exchange is over; the message says what to do. `invalid-argument`
   *   for an id, path or init that can't be sent. `plugin-closing` once the plugin has closed, for the
   *   calls that still run as well. `connection-lost` where the connection to the host
   *   breaks. The body of a response that breaks off rejects with that, too, and never just ends
   * @throws the reason of `init.signal`, or of the exchange's signal, once it aborts
   */
  fetch(id: string, path: string, init?: PluginCallInit): Promise<PluginCallResponse>;
}

/** What a call sends. A `Request` of fetch has `method`, `headers`, `body` and `signal`, too. */
export interface PluginCallInit {
  /** Default: `"GET"`. */
  readonly method?: string;
  /** Default: none. Hop-by-hop and framing fields, and `Host`, are left out. */
  readonly headers?: HeadersInput;
  /**
   * A stream or another iterable is read as the other plugin reads it. Where it throws, the other
   * plugin sees an upload that was cut off. Default: none.
   */
  readonly body?: PluginCallBody | null;
  /** Sent behind the body. Default: none. */
  readonly trailers?: HeadersInput;
  /** Cancels the call, the response's body included. Default: none. */
  readonly signal?: AbortSignal | null;
}

/** What fetch takes as a body, and any iterable of bytes, such as the `body` of a request. */
export type PluginCallBody =
  | string
  | ArrayBuffer
  | Uint8Array<ArrayBuffer>
  | Blob
  | FormData
  | URLSearchParams
  | ReadableStream<Uint8Array>
  | AsyncIterable<Uint8Array>;

/** A response of fetch, with what that has no place for. */
export interface PluginCallResponse extends Response {
  /**
   * The trailer section. It settles behind the body, so read the body first. It rejects with what
   * the body rejects with; a rejection that nothing handles does no harm.
   */
  readonly trailers: Promise<HeaderList>;
}

/** The exchange within which a call is made. */
export interface CallingExchange {
  /** The host's name for it. */
  readonly id: string;
  /** Aborts when it is given up. */
  readonly signal: AbortSignal;
  /** In which its span is the active one; undefined where it is not traced. */
  readonly traceContext?: Context | undefined;
}

/** Makes calls, within an exchange or outside of all. */
export interface CallMaker {
  within(exchange: CallingExchange | undefined): PluginCalls;
}

/** For a plugin that its host has told no way to call others. */
export const noCalls: CallMaker = {
  within: () => ({
    fetch: (id) =>
      Promise.reject(
        new ServeHTTPError(
          "call-refused",
          `this plugin may not call others: set mayCall: [${JSON.stringify(id)}] for it in the host's options, which only a plugin with a command can have`,
        ),
      ),
  }),
};
