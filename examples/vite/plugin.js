import { createServer } from "node:http";
import { servePlugin } from "@servehttp/plugin-sdk";
import express from "express";

const app = express();
const server = createServer(app);
const notes = [];

app.get("/plugins/site/api/notes", (request, response) => {
  response.json(notes);
});
app.post("/plugins/site/api/notes", express.json(), (request, response) => {
  notes.push(request.body.text);
  response.json(notes);
});

if (process.argv.includes("dev")) {
  // A server that never listens: Vite attaches its WebSocket to it.
  const { createServer: createViteServer } = await import("vite");
  const vite = await createViteServer({ server: { middlewareMode: true, hmr: { server } } });
  app.use(vite.middlewares);
} else {
  app.use("/plugins/site", express.static("dist"));
  // Every other path is one of the application's own: the browser decides what it shows.
  app.use((request, response) => {
    response.sendFile("index.html", { root: "dist" });
  });
}

await servePlugin(server);
