import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { servePlugin } from "@servehttp/plugin-sdk";
import express from "express";

const app = express();
const server = createServer(app);
const notes = [];
const api = express.Router();

api.get("/notes", (request, response) => {
  response.json(notes);
});
api.post("/notes", express.json(), (request, response) => {
  notes.push(request.body.text);
  response.json(notes);
});

if (process.argv.includes("anywhere")) {
  // Built with a relative base. The host tells where the plugin is, and <base> tells the page, so
  // that its scripts are found from pages further down as well.
  const page = await readFile("dist/anywhere/index.html", "utf8");
  app.use("/api", api);
  app.use(express.static("dist/anywhere", { index: false }));
  app.use((request, response) => {
    const base = request.baseUrl.replaceAll('"', "%22");
    response.send(page.replace("<head>", `<head><base href="${base}/">`));
  });
} else if (process.argv.includes("dev")) {
  // A server that never listens: Vite attaches its WebSocket to it.
  const { createServer: createViteServer } = await import("vite");
  const vite = await createViteServer({ server: { middlewareMode: true, ws: { server } } });
  app.use("/plugins/site/api", api);
  app.use(vite.middlewares);
} else {
  app.use("/plugins/site/api", api);
  app.use("/plugins/site", express.static("dist/site"));
  // Every other path is one of the application's own: the browser decides what it shows.
  app.use((request, response) => {
    response.sendFile("index.html", { root: "dist/site" });
  });
}

await servePlugin(server);
