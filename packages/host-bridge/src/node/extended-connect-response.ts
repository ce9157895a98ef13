import type { Http2ServerRequest, Http2ServerResponse } from "node:http2";
import type { Duplex } from "node:stream";
import type { ResponseHead } from "../edge/response-head.js";
import { webSocketKey } from "../edge/web-socket-key.js";
import { Http2Response } from "./http2-response.js";
import { refusedStatus } from "./upgrade-answer.js";
import { UpgradedStream } from "./upgraded-stream.js";

/**
 * The response to an extended CONNECT, by which a client opens a WebSocket over HTTP/2 (RFC 8441).
 * The plugin gets an HTTP/1 upgrade in its place, and the head of the plugin's answer becomes the
 * head of the stream.
 */
export class ExtendedConnectResponse extends Http2Response {
  readonly #request: Http2ServerRequest;

  constructor(request: Http2ServerRequest, response: Http2ServerResponse) {
    super(request, response, false);
    this.#request = request;
  }

  /** An ordinary response to an upgrade refuses it, whatever its status. */
  override begin(head: ResponseHead): void {
    super.begin({ ...head, status: refusedStatus(head.status) });
  }

  override hijack(): Duplex | undefined {
    const { rawHeaders, stream } = this.#request;
    return this.closed ? undefined : new UpgradedStream(stream, webSocketKey(rawHeaders));
  }
}
