import {
  Agent,
  createServer,
  type IncomingMessage,
  type InformationEvent,
  request as requestOf,
  type Server,
  ServerResponse,
} from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";

/**
 * A plain proxy hop to a server at a unix socket: as little as passes HTTP on. What breaks on one
 * side, breaks on the other.
 */
export function hopTo(socketPath: string): Server {
  const server = createServer();
  server.on("request", (incoming, outgoing) => forward(incoming, outgoing, socketPath));
  server.on("checkContinue", (incoming: IncomingMessage, outgoing: ServerResponse) =>
    forward(incoming, outgoing, socketPath),
  );
  server.on("upgrade", (incoming, socket, head) => upgrade(incoming, socket, head, socketPath));
  return server;
}

function forward(incoming: IncomingMessage, outgoing: ServerResponse, socketPath: string): void {
  const headers = endToEnd(incoming.rawHeaders);
  if (incoming.headers.host === undefined) {
    // With HTTP/1.0. The request onward is one of HTTP/1.1, which has to have it.
    headers.push("Host", "localhost");
  }
  const onward = requestTo(socketPath, incoming, headers);
  onward.on("continue", () => outgoing.writeContinue());
  onward.on("response", (response) => passOn(response, outgoing));
  onward.on("information", (response) => {
    // Node has methods for 102 and 103 alone, which take not every field.
    outgoing.socket?.write(headOf(response));
  });
  onward.on("error", () => {
    if (outgoing.headersSent) {
      outgoing.destroy();
    } else {
      outgoing.writeHead(502).end();
    }
  });
  outgoing.on("close", () => {
    if (!outgoing.writableFinished) {
      onward.destroy();
    }
  });
  incoming.pipe(onward);
}

/** Passes a response on. How it is framed is between this hop and its client. */
function passOn(response: IncomingMessage, outgoing: ServerResponse): void {
  outgoing.sendDate = false;
  outgoing.writeHead(
    response.statusCode ?? 502,
    response.statusMessage ?? "",
    endToEnd(response.rawHeaders, ["transfer-encoding"]),
  );
  outgoing.flushHeaders();
  response.on("end", () => {
    for (let at = 0; at + 1 < response.rawTrailers.length; at += 2) {
      outgoing.addTrailers([[response.rawTrailers[at] ?? "", response.rawTrailers[at + 1] ?? ""]]);
    }
    outgoing.end();
  });
  response.on("error", () => outgoing.destroy());
  response.pipe(outgoing, { end: false });
}

function upgrade(
  incoming: IncomingMessage,
  client: Duplex,
  head: Buffer,
  socketPath: string,
): void {
  const onward = requestTo(socketPath, incoming, incoming.rawHeaders);
  client.on("error", () => onward.destroy());
  onward.on("error", () => client.destroy());
  onward.on("upgrade", (response, server, serverHead) => {
    client.write(Buffer.concat([headOf(response), serverHead]));
    server.write(head);
    server.on("error", () => client.destroy());
    client.on("error", () => server.destroy());
    server.pipe(client).pipe(server);
  });
  onward.on("response", (response) => {
    // It refuses.
    const outgoing = new ServerResponse(incoming);
    outgoing.shouldKeepAlive = false;
    outgoing.assignSocket(client as Socket);
    outgoing.on("finish", () => client.end());
    passOn(response, outgoing);
  });
  onward.end();
}

function requestTo(socketPath: string, incoming: IncomingMessage, headers: string[]) {
  return requestOf({
    socketPath,
    method: incoming.method ?? "GET",
    path: incoming.url ?? "/",
    headers,
    setHost: false,
    agent,
  });
}

function headOf(
  head: Pick<IncomingMessage, "statusCode" | "statusMessage" | "rawHeaders"> | InformationEvent,
): Buffer {
  const { statusCode, statusMessage, rawHeaders } = head;
  const lines = pairsOf(rawHeaders).map(([name, value]) => `${name}: ${value}\r\n`);
  return Buffer.from(`HTTP/1.1 ${statusCode} ${statusMessage}\r\n${lines.join("")}\r\n`, "latin1");
}

/** Without the fields of one connection (RFC 9110, section 7.6.1), and without others. */
function endToEnd(rawHeaders: readonly string[], others: readonly string[] = []): string[] {
  return pairsOf(rawHeaders)
    .map(([name, value]): [string, string, string] => [name.toLowerCase(), name, value])
    .filter(([lower]) => !hopByHop.has(lower) && !others.includes(lower))
    .flatMap(([, name, value]) => [name, value]);
}

function pairsOf(rawHeaders: readonly string[]): [string, string][] {
  const pairs: [string, string][] = [];
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    pairs.push([rawHeaders[at] ?? "", rawHeaders[at + 1] ?? ""]);
  }
  return pairs;
}

/** As proxies do, it uses connections again. */
const agent = new Agent({ keepAlive: true });

const hopByHop = new Set(["connection", "keep-alive", "proxy-connection", "te", "upgrade"]);
