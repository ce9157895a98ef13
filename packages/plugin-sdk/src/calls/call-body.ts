import type { PluginCallBody } from "../handler/plugin-calls.js";

/** The body of a call that is to be sent. */
export interface CallBody {
  /** In bytes; undefined where it is not known in advance. */
  readonly length: number | undefined;
  /** The type that such a body has by itself, as with fetch. */
  readonly contentType: string | undefined;
  next(): Promise<IteratorResult<unknown, unknown>>;
  /** Nothing more is needed of it. */
  cancel(reason: unknown): void;
}

/**
 * What is to be sent, of whatever kind.
 *
 * @throws TypeError for a stream that is being read, or was
 */
export function callBody(body: PluginCallBody): CallBody {
  if (typeof body === "object" && Symbol.asyncIterator in body && !isStream(body)) {
    const chunks = body[Symbol.asyncIterator]();
    return {
      length: undefined,
      contentType: undefined,
      next: () => chunks.next(),
      cancel: () => void chunks.return?.().then(ignore, ignore),
    };
  }
  // A Response takes the same bodies as a Request, whatever the method.
  const packed = new Response(body);
  const reader = (packed.body as ReadableStream<Uint8Array>).getReader();
  return {
    length: lengthOf(body),
    contentType: packed.headers.get("content-type") ?? undefined,
    next: () => reader.read(),
    cancel: (reason) => void reader.cancel(reason).then(ignore, ignore),
  };
}

function isStream(body: object): body is ReadableStream<Uint8Array> {
  return "getReader" in body;
}

/** Of a form, only the stream knows where its parts end. */
function lengthOf(body: PluginCallBody): number | undefined {
  if (typeof body === "string") {
    return Buffer.byteLength(body);
  }
  if (body instanceof URLSearchParams) {
    return Buffer.byteLength(body.toString());
  }
  if (body instanceof Blob) {
    return body.size;
  }
  return "byteLength" in body ? body.byteLength : undefined;
}

function ignore(): void {
  // The call is over, and nobody is left to be told.
}
