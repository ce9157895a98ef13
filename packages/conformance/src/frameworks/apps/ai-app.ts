import { convertToModelMessages, streamText, type UIMessage } from "ai";
import { MockLanguageModelV4 } from "ai/test";
import { Hono } from "hono";
import { Occasion } from "./occasion.js";

/** Routes that answer with text of a language model: here a model of the SDK's own for tests. */
export function aiApp(): Hono {
  const app = new Hono();
  const goOn = new Occasion();
  const left = new Occasion();
  app.post("/chat", async (context) => {
    const { messages } = await context.req.json<{ messages: UIMessage[] }>();
    const result = streamText({
      model: modelOf(goOn),
      messages: await convertToModelMessages(messages),
      abortSignal: context.req.raw.signal,
      onAbort: () => left.happens(),
    });
    return result.toUIMessageStreamResponse();
  });
  app.post("/go-on", (context) => {
    goOn.happens();
    return context.body(null, 204);
  });
  app.get("/left", async (context) => {
    await left.next();
    return context.text("left");
  });
  return app;
}

/** Says one word, and the second once it is told to. */
function modelOf(goOn: Occasion): MockLanguageModelV4 {
  return new MockLanguageModelV4({
    doStream: async () => ({
      stream: new ReadableStream({
        async start(controller) {
          controller.enqueue({ type: "text-start", id: "1" });
          controller.enqueue({ type: "text-delta", id: "1", delta: "Hello" });
          await goOn.next();
          controller.enqueue({ type: "text-delta", id: "1", delta: ", world" });
          controller.enqueue({ type: "text-end", id: "1" });
          controller.enqueue({
            type: "finish",
            finishReason: { unified: "stop", raw: undefined },
            usage: {
              inputTokens: { total: 1, noCache: 1, cacheRead: undefined, cacheWrite: undefined },
              outputTokens: { total: 2, text: 2, reasoning: undefined },
            },
          });
          controller.close();
        },
      }),
    }),
  });
}
