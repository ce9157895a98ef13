import { createServer, type Server } from "node:http";
import { Server as SocketServer } from "socket.io";

/** socket.io on a server of Node's that never listens. */
export function socketIoApp(): Server {
  const server = createServer((_request, response) => void response.end("beside"));
  const io = new SocketServer(server, { maxHttpBufferSize: 2_000_000 });
  io.on("connection", (socket) => {
    socket.on("echo", (value: unknown, reply: (value: unknown) => void) => reply(value));
    socket.on("join", async (room: string, reply: () => void) => {
      await socket.join(room);
      reply();
    });
    socket.on("tell", (room: string, text: string) => io.to(room).emit("told", text));
  });
  io.of("/second").on("connection", (socket) => {
    socket.on("where", (reply: (name: string) => void) => reply(socket.nsp.name));
  });
  return server;
}
