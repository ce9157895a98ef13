import { describe, expect, test } from "vitest";
import { readEvents } from "./read-events.js";

async function read(text: string, chunkBytes: number) {
  const bytes = new TextEncoder().encode(text);
  const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
    start(controller) {
      for (let at = 0; at < bytes.length; at += chunkBytes) {
        controller.enqueue(bytes.slice(at, at + chunkBytes));
      }
      controller.close();
    },
  });
  const events = [];
  for await (const event of readEvents(body)) {
    events.push(event);
  }
  return events;
}

const stream = [
  ": keeps the connection open\n\n",
  "event: state\ndata: {\ndata: }\n\n",
  "id: 7\r\ndata:grüße\r\n\r\n",
  "data: cut o",
].join("");

describe("server-sent events", () => {
  test.each([1, 2, 7, 1_000])("are read from chunks of %d bytes", async (chunkBytes) => {
    expect(await read(stream, chunkBytes)).toEqual([
      { event: "state", data: "{\n}", id: undefined },
      { event: "message", data: "grüße", id: "7" },
    ]);
  });

  test("end the request when nobody reads on", async () => {
    let reason: unknown;
    const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
      start(controller) {
        controller.enqueue(new TextEncoder().encode("data: 1\n\n"));
      },
      cancel(given) {
        reason = given ?? "cancelled";
      },
    });
    for await (const event of readEvents(body)) {
      expect(event.data).toBe("1");
      break;
    }
    expect(reason).toBe("cancelled");
  });
});
