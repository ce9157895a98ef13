// A Hono application as it is: an answer that comes word by word, and ends when the client leaves.
import { servePlugin } from "@servehttp/plugin-sdk";
import { Hono } from "hono";
import { stream } from "hono/streaming";

const wordMs = 120;
const tale =
  "A request came to the host, which knew at once whose it was. It went on, part by part, to a process " +
  "of its own, where an application stood that had never heard of any of this. The application " +
  "answered one word at a time, and every word arrived before the next was known.";

const app = new Hono();
let told = 0;
let leftEarly = 0;

app.get("/tale", (context) => {
  context.header("content-type", "text/plain; charset=utf-8");
  return stream(context, async (words) => {
    words.onAbort(() => void leftEarly++);
    for (const word of tale.split(" ")) {
      if (words.aborted) {
        return;
      }
      await words.write(`${word} `);
      await words.sleep(wordMs);
    }
    // A client that left during the last word is counted above.
    if (!words.aborted) {
      told++;
    }
  });
});

app.get("/told", (context) => context.json({ told, leftEarly }));

await servePlugin({ fetch: app.fetch });
