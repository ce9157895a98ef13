import { once } from "node:events";
import { type IncomingHttpHeaders, request as httpRequest } from "node:http";
import {
  type ClientHttp2Stream,
  connect as connectHttp2,
  type IncomingHttpHeaders as Http2Headers,
} from "node:http2";
import { request as httpsRequest } from "node:https";
import type { Readable, Writable } from "node:stream";
import { WebSocket } from "ws";

/** A response, as soon as its head is there. */
export interface HostResponse {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Readable;
}

/** A request whose body the test writes. */
export interface HostCall {
  readonly body: Writable;
  readonly response: Promise<HostResponse>;
  /** Whether a 100 (Continue) has come. */
  readonly continued: () => boolean;
}

/** How a test calls a host. */
export interface HostClient extends AsyncDisposable {
  call(method: string, path: string, headers?: Readonly<Record<string, string>>): HostCall;
  /** Sends one text by a WebSocket, and returns what comes back. */
  echoByWebSocket(path: string, text: string): Promise<string>;
}

/**
 * A client that speaks HTTP/1.1, every request over a connection of its own.
 *
 * @param from the address that it has; one of 127.0.0.0/8
 */
export function http1Client(port: number, isSecure: boolean, from = "127.0.0.1"): HostClient {
  return {
    call(method, path, headers = {}) {
      const request = (isSecure ? httpsRequest : httpRequest)({
        host: "localhost",
        ...ownAddress(from),
        port,
        method,
        path,
        headers,
        agent: false,
        rejectUnauthorized: false,
      });
      let hasContinued = false;
      request.on("continue", () => {
        hasContinued = true;
      });
      // The host may stop reading the body. Tests look at the response.
      request.on("error", () => request.destroy());
      const response = once(request, "response").then(([incoming]) => ({
        status: incoming.statusCode as number,
        headers: incoming.headers as IncomingHttpHeaders,
        body: incoming as Readable,
      }));
      request.flushHeaders();
      return { body: request, response, continued: () => hasContinued };
    },
    async echoByWebSocket(path, text) {
      const scheme = isSecure ? "wss" : "ws";
      const socket = new WebSocket(`${scheme}://localhost:${port}${path}`, {
        rejectUnauthorized: false,
        ...ownAddress(from),
      });
      await once(socket, "open");
      socket.send(text);
      const [message] = (await once(socket, "message")) as [Buffer];
      socket.close();
      await once(socket, "close");
      return message.toString();
    },
    async [Symbol.asyncDispose]() {
      // Connections ended with their requests.
    },
  };
}

/**
 * An HTTP/2 client with one connection. Resolves when the host's settings have come.
 *
 * @param from the address that it has; one of 127.0.0.0/8
 */
export async function http2Client(
  port: number,
  isSecure: boolean,
  from = "127.0.0.1",
): Promise<HostClient> {
  const scheme = isSecure ? "https" : "http";
  const session = connectHttp2(`${scheme}://localhost:${port}`, {
    rejectUnauthorized: false,
    ...ownAddress(from),
  });
  await once(session, "remoteSettings");
  return {
    call(method, path, headers = {}) {
      const stream = session.request(
        { ":method": method, ":path": path, ...headers },
        { endStream: method === "GET" },
      );
      let hasContinued = false;
      stream.on("continue", () => {
        hasContinued = true;
      });
      return { body: stream, response: responseOf(stream), continued: () => hasContinued };
    },
    async echoByWebSocket(path, text) {
      if (session.remoteSettings.enableConnectProtocol !== true) {
        throw new Error(notOffered);
      }
      const stream = session.request(
        {
          ":method": "CONNECT",
          ":protocol": "websocket",
          ":path": path,
          "sec-websocket-version": "13",
        },
        { endStream: false },
      );
      const { status, body } = await responseOf(stream);
      if (status !== 200) {
        throw new Error(`the host answered extended CONNECT with ${status}`);
      }
      stream.write(textFrame(text));
      const [frame] = (await once(body, "data")) as [Buffer];
      stream.close();
      return frame.subarray(2).toString();
    },
    async [Symbol.asyncDispose]() {
      session.destroy();
    },
  };
}

/** "localhost" may have an IPv6 address as well. */
function ownAddress(from: string): { readonly family: 4; readonly localAddress: string } {
  return { family: 4, localAddress: from };
}

/** Why there are no WebSockets on an HTTP/2 connection: a client then opens one of HTTP/1.1. */
export const notOffered = "extended CONNECT is not offered";

async function responseOf(stream: ClientHttp2Stream): Promise<HostResponse> {
  const [headers] = (await once(stream, "response")) as [Http2Headers];
  return { status: Number(headers[":status"]), headers, body: stream };
}

/** A masked frame of up to 125 bytes of text (RFC 6455, section 5.2); the mask is zero. */
function textFrame(text: string): Buffer {
  const bytes = Buffer.from(text);
  return Buffer.concat([Buffer.from([0x81, 0x80 | bytes.length, 0, 0, 0, 0]), bytes]);
}
