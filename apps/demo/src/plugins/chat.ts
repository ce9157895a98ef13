// A room over WebSockets: a stock ws server takes the connections that the host hands over.
import { servePlugin } from "@servehttp/plugin-sdk";
import { ChatRoom } from "./chat-room.js";

const room = new ChatRoom();

await servePlugin({
  node(_request, response) {
    response.writeHead(426, { upgrade: "websocket", "content-type": "text/plain" });
    response.end("This is for WebSockets.\n");
  },
  upgrade(request, socket, head) {
    room.upgrades.handleUpgrade(request, socket, head, (webSocket) => {
      const user = request.headers["x-user-id"];
      room.enter(webSocket, typeof user === "string" ? user : "guest");
    });
  },
});
