// A room over WebSockets: a stock ws server on the connections that the host hands over.
import type { IncomingMessage } from "node:http";
import { servePlugin } from "@servehttp/plugin-sdk";
import { ChatRoom } from "./chat-room.js";
import { sendJSON } from "./send-json.js";

const room = new ChatRoom();

await servePlugin({
  async serveHTTP(request, response) {
    if (request.headers.get("upgrade")?.toLowerCase() !== "websocket") {
      response.headers.set("upgrade", "websocket");
      return sendJSON(response, 426, { error: "this is for WebSockets" });
    }
    // Browsers let a page of any site open a WebSocket to here, and send the cookies along.
    const origin = request.headers.get("origin");
    if (origin !== undefined && origin !== `${request.scheme}://${request.host}`) {
      return sendJSON(response, 403, { error: "not from another site" });
    }
    const { socket, head } = await response.hijack();
    const headers = Array.from(request.headers, ([name, value]) => [name.toLowerCase(), value]);
    // All that ws looks at of the request.
    const upgrade = {
      method: request.method,
      url: request.url,
      headers: Object.fromEntries(headers),
    };
    room.upgrades.handleUpgrade(upgrade as IncomingMessage, socket, head, (webSocket) => {
      room.enter(webSocket, request.headers.get("x-user-id") ?? "guest");
    });
  },
});
