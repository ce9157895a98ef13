import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type {
  Http2SecureServer,
  Http2Server,
  Http2ServerRequest,
  Http2ServerResponse,
} from "node:http2";

/** Any of Node's HTTP servers. */
export type NodeServer = Server | Http2Server | Http2SecureServer;

/** The request of any of Node's HTTP servers. Express and Connect add `originalUrl`. */
export type HostRequest = (IncomingMessage | Http2ServerRequest) & {
  originalUrl?: string | undefined;
};

/** The response of any of Node's HTTP servers. */
export type HostResponse = ServerResponse | Http2ServerResponse;
