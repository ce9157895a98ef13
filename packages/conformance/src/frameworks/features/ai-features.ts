import { DefaultChatTransport, type UIMessage, type UIMessageChunk } from "ai";
import { expect } from "vitest";
import { callApp, textOf } from "../call-app.js";
import type { FrameworkFeature } from "../framework-feature.js";
import type { AppAddress } from "../served-app.js";

/** The AI SDK 7 in a fetch handler, asked by its own chat transport. */
export const aiFeatures: readonly FrameworkFeature[] = [
  {
    feature: "text that is streamed to a chat",
    by: ["ai", "hono"],
    works: "yes",
    how: "`streamText(…).toUIMessageStreamResponse()`: each piece goes out at once. The client's `api` is `/plugins/{id}/chat`.",
    async check(app) {
      const reader = (await chat(app)).getReader();
      expect(await nextDelta(reader)).toBe("Hello");
      await callApp(app, "/go-on", { method: "POST" });
      expect(await nextDelta(reader)).toBe(", world");
      await reader.cancel();
    },
  },
  {
    feature: "a client that stops listening",
    by: ["ai", "hono"],
    works: "yes",
    how: "With `abortSignal: request.signal`, the model is stopped and `onAbort` is called.",
    async check(app) {
      const abort = new AbortController();
      const reader = (await chat(app, abort.signal)).getReader();
      expect(await nextDelta(reader)).toBe("Hello");
      abort.abort();
      expect(textOf(await callApp(app, "/left"))).toBe("left");
      await callApp(app, "/go-on", { method: "POST" });
    },
  },
];

function chat(app: AppAddress, abortSignal?: AbortSignal): Promise<ReadableStream<UIMessageChunk>> {
  const message: UIMessage = {
    id: "1",
    role: "user",
    parts: [{ type: "text", text: "Say hello" }],
  };
  return new DefaultChatTransport({ api: `${app.url}/chat` }).sendMessages({
    chatId: "1",
    trigger: "submit-message",
    messageId: undefined,
    messages: [message],
    abortSignal,
  });
}

/** The text of the next piece that has any. */
async function nextDelta(reader: ReadableStreamDefaultReader<UIMessageChunk>): Promise<string> {
  for (;;) {
    const { done, value } = await reader.read();
    if (done) {
      throw new Error("the stream ended");
    }
    if (value.type === "text-delta") {
      return value.delta;
    }
  }
}
