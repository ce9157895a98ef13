import {
  MessageBody,
  SubscribeMessage,
  WebSocketGateway,
  WebSocketServer,
} from "@nestjs/websockets";
import type { Server } from "socket.io";

@WebSocketGateway()
export class ChatGateway {
  @WebSocketServer()
  readonly server!: Server;

  @SubscribeMessage("say")
  say(@MessageBody() line: string): string {
    this.server.emit("said", line);
    return "sent";
  }
}
