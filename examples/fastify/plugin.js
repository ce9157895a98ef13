import fastifyStatic from "@fastify/static";
import fastifyWebSocket from "@fastify/websocket";
import { servePlugin } from "@servehttp/plugin-sdk";
import { fastify } from "fastify";

const app = fastify();
await app.register(fastifyStatic, { root: `${import.meta.dirname}/public` });
await app.register(fastifyWebSocket);

app.get("/hello/:name", (request) => ({ hello: request.params.name, from: request.ip }));

app.get("/chat", { websocket: true }, (socket) => {
  socket.on("message", (line) => {
    for (const member of app.websocketServer.clients) {
      member.send(line.toString());
    }
  });
});

// In place of app.listen(): the host has the port.
await app.ready();
await servePlugin(app.server);
