import { serveStatic } from "@hono/node-server/serve-static";
import { servePlugin } from "@servehttp/plugin-sdk";
import { Hono } from "hono";
import { html } from "hono/html";
import { streamText } from "hono/streaming";

const app = new Hono();
const notes = [];

app.get("/", (context) =>
  context.html(
    html`<!doctype html>
      <html lang="en">
        <head>
          <meta charset="utf-8" />
          <title>Hono behind servehttp</title>
          <link rel="icon" href="public/logo.svg" />
          <link rel="stylesheet" href="public/style.css" />
        </head>
        <body>
          <img id="logo" src="public/logo.svg" alt="" />
          <h1>Hono</h1>
          <form id="say" action="notes" method="post">
            <input name="text" aria-label="A note" />
            <button>Add</button>
          </form>
          <ul id="said">
            ${notes.map((text) => html`<li>${text}</li>`)}
          </ul>
        </body>
      </html>`,
  ),
);

app.post("/notes", async (context) => {
  notes.push((await context.req.formData()).get("text"));
  // Relative to /plugins/site/notes: the page above it.
  return context.redirect("./", 303);
});

app.get("/words", (context) =>
  streamText(context, async (stream) => {
    for (const word of ["one", "at", "a", "time"]) {
      await stream.write(`${word}\n`);
      await stream.sleep(100);
    }
  }),
);

app.use("/public/*", serveStatic({ root: "." }));

await servePlugin(app);
