import { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import type { PlainHead } from "./plain-head.js";

/**
 * Makes the request that `identity` and `context` get: as Node's server would have made it, but
 * without a body, which goes to the plugin.
 */
export function fastPathMessage(
  head: Pick<PlainHead, "method" | "rawHeaders" | "target">,
  socket: Socket,
  joinsDuplicateHeaders: boolean | undefined,
): IncomingMessage {
  const message = new IncomingMessage(socket);
  message.httpVersionMajor = 1;
  message.httpVersionMinor = 1;
  message.httpVersion = "1.1";
  message.method = head.method;
  message.url = head.target;
  const made = message as unknown as {
    joinDuplicateHeaders: boolean | undefined;
    _addHeaderLines(rawHeaders: readonly string[], length: number): void;
  };
  // An option of `createServer`, which Node gives to each message.
  made.joinDuplicateHeaders = joinsDuplicateHeaders;
  // What Node's parser calls; `headers` is made of them when it is first read.
  made._addHeaderLines(head.rawHeaders.slice(), head.rawHeaders.length);
  return message;
}
