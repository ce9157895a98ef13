import { IncomingMessage } from "node:http";
import type { IncomingRequest } from "../client/incoming-request.js";
import type { FastPathConnection } from "./connection.js";

/**
 * The request as the host's own functions know it from Node's server: with everything but a body, which is the plugin's. Made only
 * where somebody asks for it.
 */
export function fastPathMessage(
  incoming: Pick<IncomingRequest, "method" | "rawHeaders"> & { readonly target: string },
  connection: FastPathConnection,
): IncomingMessage {
  const message = new IncomingMessage(connection.socket);
  message.httpVersionMajor = 1;
  message.httpVersionMinor = 1;
  message.httpVersion = "1.1";
  message.method = incoming.method;
  message.url = incoming.target;
  const made = message as unknown as {
    joinDuplicateHeaders: boolean | undefined;
    _addHeaderLines(rawHeaders: readonly string[], length: number): void;
  };
  // An option of `createServer`, which Node gives to each message.
  made.joinDuplicateHeaders = connection.joinsDuplicateHeaders;
  // As Node's parser does; `headers` is made of them once somebody asks.
  made._addHeaderLines(incoming.rawHeaders.slice(), incoming.rawHeaders.length);
  return message;
}
