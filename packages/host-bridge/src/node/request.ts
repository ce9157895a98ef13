import type { ServerResponse } from "node:http";
import type { Http2ServerResponse } from "node:http2";
import type { ClientResponse } from "../client/client-response.js";
import { connectionIdOf } from "../client/connection-ids.js";
import { destroySocket } from "../client/destroy-socket.js";
import type { CloseListener, IncomingRequest, RequestEntry } from "../client/incoming-request.js";
import { isEncrypted } from "../client/is-encrypted.js";
import { noticeDeadClient } from "../client/notice-dead-client.js";
import type { HostRequest, HostResponse } from "../client/node-types.js";
import { peerOf, remoteAddressOf } from "../client/remote-address.js";
import type { RequestBody } from "../client/request-body.js";
import { breakStream } from "./break-stream.js";
import { ExtendedConnectResponse } from "./extended-connect-response.js";
import { Http1Response } from "./http1-response.js";
import { Http2Response } from "./http2-response.js";
import { NodeBody } from "./request-body.js";

/** A request that a server of Node's has read. */
export class NodeIncomingRequest implements IncomingRequest {
  readonly message: HostRequest;
  readonly entry: RequestEntry;
  readonly #response: HostResponse;
  #body: RequestBody | undefined;

  constructor(message: HostRequest, response: HostResponse, entry: RequestEntry) {
    this.message = message;
    this.#response = response;
    this.entry = entry;
  }

  get method(): string {
    return this.message.method ?? "GET";
  }

  get rawHeaders(): readonly string[] {
    return this.message.rawHeaders;
  }

  get versionMajor(): number {
    return this.message.httpVersionMajor;
  }

  get versionMinor(): number {
    return this.message.httpVersionMinor;
  }

  get scheme(): "http" | "https" {
    return isEncrypted(this.message.socket) ? "https" : "http";
  }

  get peer(): string {
    return peerOf(this.message.socket);
  }

  get remoteAddress(): string {
    return remoteAddressOf(this.message.socket);
  }

  get connectionId(): string | undefined {
    const { message } = this;
    const connection = "stream" in message ? message.stream.session : message.socket;
    return connection && connectionIdOf(connection);
  }

  get endedByHead(): boolean {
    return "stream" in this.message && this.message.stream.endAfterHeaders;
  }

  get connectProtocol(): string {
    return this.entry.event === "extendedConnect" ? String(this.message.headers[":protocol"]) : "";
  }

  get bodyTaken(): boolean {
    return this.message.readableDidRead;
  }

  get body(): RequestBody {
    this.#body ??= new NodeBody(this.message);
    return this.#body;
  }

  get closed(): boolean {
    const { message } = this;
    const response = this.#response;
    // The response that Node makes for an HTTP/2 stream has no `destroyed`.
    return (
      response.headersSent ||
      ("stream" in message
        ? message.stream.destroyed
        : response.destroyed || message.socket.destroyed)
    );
  }

  openResponse(awaitsContinue: boolean): ClientResponse {
    const { message } = this;
    noticeDeadClient(message.socket);
    if (!("stream" in message)) {
      return new Http1Response(message, this.#response as ServerResponse, awaitsContinue);
    }
    const response = this.#response as Http2ServerResponse;
    return this.entry.event === "extendedConnect"
      ? new ExtendedConnectResponse(message, response)
      : new Http2Response(message, response, awaitsContinue);
  }

  /** Ends a response that the application has begun, so that no client takes it for complete. */
  breakResponse(): void {
    const { message } = this;
    if ("stream" in message) {
      breakStream(message.stream);
    } else {
      destroySocket(message.socket, false);
    }
  }

  onClose(listener: CloseListener): void {
    this.#response.on("close", () => listener.clientClosed());
    // A pipelined one that waits for those in front of it has no socket. Node 22 does not close it.
    if (this.#response.socket === null) {
      this.message.on("aborted", () => listener.clientClosed());
    }
  }
}
