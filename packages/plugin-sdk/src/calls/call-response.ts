import type { IncomingMessage } from "node:http";
import { ServeHTTPError } from "@servehttp/contract";
import { type HeaderList, headerListOf } from "../handler/header-list.js";
import type { PluginCallResponse } from "../handler/plugin-calls.js";

/**
 * The response to a call.
 *
 * @param failure why the call failed, once it has
 * @throws ServeHTTPError `call-refused` where the host has not made the call, `handler-failed` for a
 *   status that a Response can't have
 */
export function callResponse(
  incoming: IncomingMessage,
  method: string,
  failure: () => { readonly reason: unknown } | undefined,
): PluginCallResponse {
  const { statusCode = 0 } = incoming;
  const refusal = incoming.headers["servehttp-call"];
  if (typeof refusal === "string") {
    throw new ServeHTTPError("call-refused", refusal);
  }
  if (statusCode > 599) {
    throw new ServeHTTPError(
      "handler-failed",
      `the plugin answered with the status ${statusCode}, which a Response of fetch can't have`,
    );
  }
  const trailers = Promise.withResolvers<HeaderList>();
  trailers.promise.catch(ignore);
  const headers = new Headers();
  for (let at = 0; at + 1 < incoming.rawHeaders.length; at += 2) {
    headers.append(incoming.rawHeaders[at] as string, incoming.rawHeaders[at + 1] as string);
  }
  const hasBody = method !== "HEAD" && !bodilessStatuses.has(statusCode);
  const init = { status: statusCode, statusText: incoming.statusMessage ?? "", headers };
  const stream = bodyOf(incoming, trailers, failure);
  const response = new Response(hasBody ? stream : null, init);
  if (!hasBody) {
    void stream.getReader().read().catch(ignore);
  }
  return Object.defineProperty(response, "trailers", {
    value: trailers.promise,
  }) as PluginCallResponse;
}

/** The statuses with which a Response takes no body (Fetch standard, section 2.2.3). */
const bodilessStatuses: ReadonlySet<number> = new Set([204, 205, 304]);

/** The body, of which a chunk is read only when it is asked for. */
function bodyOf(
  incoming: IncomingMessage,
  trailers: PromiseWithResolvers<HeaderList>,
  failure: () => { readonly reason: unknown } | undefined,
): ReadableStream<Uint8Array> {
  const chunks = incoming[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  const fail = (thrown: unknown): never => {
    const reason = failure()?.reason ?? brokenOff(thrown);
    trailers.reject(reason);
    throw reason;
  };
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        if (failure() !== undefined) {
          fail(undefined);
        }
        const result = await chunks.next().catch(fail);
        if (result.done !== true) {
          controller.enqueue(result.value);
        } else if (incoming.complete) {
          controller.close();
          trailers.resolve(headerListOf(incoming.rawTrailers));
        } else {
          fail(undefined);
        }
      },
      cancel() {
        trailers.reject(
          new ServeHTTPError("request-not-needed", "the body was not read to its end"),
        );
        incoming.destroy();
      },
    },
    { highWaterMark: 0 },
  );
}

/** Why a response to a call is not whole. */
export function brokenOff(cause: unknown): ServeHTTPError {
  return new ServeHTTPError(
    "connection-lost",
    "the call was broken off: the called plugin failed, the exchange is over within which it was made, or the host has gone",
    { cause },
  );
}

function ignore(): void {
  // Whoever reads the body or its trailers is told.
}
