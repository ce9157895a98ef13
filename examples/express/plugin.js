import { servePlugin } from "@servehttp/plugin-sdk";
import express from "express";

const app = express();
const notes = [];

app.use(express.static("public"));

app.get("/notes", (request, response) => {
  response.json(notes);
});

app.post("/notes", express.urlencoded(), (request, response) => {
  notes.push(request.body.text);
  // Relative to /plugins/site/notes: the page above it.
  response.redirect(303, "./");
});

app.get("/events", (request, response) => {
  response.writeHead(200, { "content-type": "text/event-stream" });
  let seconds = 0;
  const timer = setInterval(() => response.write(`data: ${++seconds}\n\n`), 1_000);
  response.on("close", () => clearInterval(timer));
});

await servePlugin({ node: app });
