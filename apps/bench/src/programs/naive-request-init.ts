import type { IncomingMessage } from "node:http";

import type { MessageInitShape } from "@bufbuild/protobuf";
import type { PluginService } from "@servehttp/contract/services";

type RequestMessage = MessageInitShape<typeof PluginService.method.serveHTTP.input>;

/** The head of a request as a first draft of a bridge would fill it in. */
export function naiveRequestInit(request: IncomingMessage): NonNullable<RequestMessage["init"]> {
  return {
    method: request.method ?? "GET",
    url: request.url ?? "/",
    requestUri: request.url ?? "/",
    protocol: `HTTP/${request.httpVersion}`,
    protocolMajor: request.httpVersionMajor,
    protocolMinor: request.httpVersionMinor,
    host: request.headers.host ?? "",
    remoteAddr: `${request.socket.remoteAddress}:${request.socket.remotePort}`,
    headers: Object.entries(request.headersDistinct).map(([name, values = []]) => ({
      name,
      values: values.map((value) => Buffer.from(value, "latin1")),
    })),
    contentLength: BigInt(request.headers["content-length"] ?? -1),
  };
}
