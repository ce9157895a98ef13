/** An event of a stream of server-sent events. */
export interface ServerSentEvent {
  /** `message` where the stream names none. */
  readonly event: string;
  readonly data: string;
  /** What to name when one asks for what comes after it; undefined where the stream says none. */
  readonly id: string | undefined;
}

/**
 * Reads server-sent events (HTML Standard, 9.2) of a response. `EventSource` would do it, but can't
 * send a token, and doesn't tell why it was refused.
 */
export async function* readEvents(
  body: ReadableStream<Uint8Array<ArrayBuffer>>,
): AsyncGenerator<ServerSentEvent, void, undefined> {
  let rest = "";
  for await (const text of chunksOf(body.pipeThrough(new TextDecoderStream()))) {
    const blocks = `${rest}${text}`.split(/\r?\n\r?\n/);
    rest = blocks.pop() ?? "";
    for (const block of blocks) {
      const event = parseEvent(block);
      if (event !== undefined) {
        yield event;
      }
    }
  }
}

/** Not every browser can iterate over a stream. */
async function* chunksOf(stream: ReadableStream<string>): AsyncGenerator<string, void, undefined> {
  const reader = stream.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) {
        return;
      }
      yield value;
    }
  } finally {
    await reader.cancel();
  }
}

/** Undefined for a block without data, such as a comment that keeps the connection open. */
function parseEvent(block: string): ServerSentEvent | undefined {
  let event = "message";
  let id: string | undefined;
  const data: string[] = [];
  for (const line of block.split(/\r?\n/)) {
    const [, field, value] = /^([^:]+):? ?(.*)$/s.exec(line) ?? [];
    if (field === "data") {
      data.push(value ?? "");
    } else if (field === "event") {
      event = value ?? "";
    } else if (field === "id") {
      id = value;
    }
  }
  return data.length === 0 ? undefined : { event, data: data.join("\n"), id };
}
