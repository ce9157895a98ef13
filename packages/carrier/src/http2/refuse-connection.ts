import type { Socket } from "node:net";
import { errorCode, goawayFrame, settingsFrame } from "./frames.js";

/** How long a peer may take to read why it is refused, in milliseconds. */
const lingerMs = 1_000;

/**
 * Refuses a host that has connected, whose certificate is not good enough. Nothing that it sends is
 * looked at. It is told why by GOAWAY (RFC 9113, section 6.8): TLS has no words, and in Node no alert
 * for it either.
 */
export function refuseConnection(socket: Socket, why: string): void {
  socket.on("error", () => {
    // It left.
  });
  socket.end(Buffer.concat([settingsFrame([]), goawayFrame(0, errorCode.inadequateSecurity, why)]));
  // To close what is not read would reset the connection, and take the reason away again.
  socket.resume();
  const timer = setTimeout(() => socket.destroy(), lingerMs);
  timer.unref();
  socket.once("close", () => clearTimeout(timer));
}
