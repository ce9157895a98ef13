import { connect, type Socket } from "node:net";
import type { ExchangeChannel, RequestParts, ResponseParts } from "@servehttp/contract";
import { StreamConnections, type StreamConnectionsOptions } from "../stream/stream-connections.js";
import { rpcHeaders, serveHTTPPath } from "../wire/rpc-paths.js";
import { Recorder } from "./recorder.js";

/** One exchange as the host has it. */
export interface HostEnd {
  readonly channel: ExchangeChannel<RequestParts>;
  readonly response: Recorder<ResponseParts>;
}

/** The stream carrier of a host, at a plugin on a unix socket. */
export class HostStreams implements Disposable {
  readonly carrier: StreamConnections;
  /** Its connections, in the order in which they were made. */
  readonly sockets: Socket[] = [];
  readonly warnings: string[] = [];

  constructor(path: string, options: Partial<StreamConnectionsOptions> = {}) {
    this.carrier = new StreamConnections({
      connect: () => {
        const socket = connect({ path });
        this.sockets.push(socket);
        return socket;
      },
      fields: rpcHeaders(serveHTTPPath, "http://localhost", undefined),
      warn: (message) => this.warnings.push(message),
      nowMs: () => performance.now(),
      ...options,
    });
  }

  /** Opens an exchange; nothing is sent. */
  open(): HostEnd {
    const response = new Recorder<ResponseParts>();
    return { channel: this.carrier.open(response), response };
  }

  /** Breaks all connections. */
  cut(): void {
    for (const socket of this.sockets) {
      socket.destroy();
    }
  }

  [Symbol.dispose](): void {
    void this.carrier.close("now");
  }
}
