import type { ServeHTTPError } from "@servehttp/contract";
import { HostConnection, type HostConnectionOwner } from "../http2/host-connection.js";
import { RequestHeaders } from "../http2/request-headers.js";
import type { HostStream, HostStreamListener } from "../http2/host-stream.js";
import { frameHeadBytes } from "../http2/frames.js";
import type { HeaderFields } from "../wire/header-fields.js";
import { rpcHeaders, serveHTTPPath } from "../wire/rpc-paths.js";
import type { Duplex } from "node:stream";

const headers = new RequestHeaders(rpcHeaders(serveHTTPPath, "http://localhost", undefined));

/** A host's connection whose streams a test opens, and what it tells its owner. */
export class HostConnectionRig implements HostConnectionOwner {
  readonly connection: HostConnection;
  readonly told: string[] = [];
  error: ServeHTTPError | undefined;
  nowMs = 0;

  constructor(socket: Duplex) {
    this.connection = new HostConnection(socket, headers, this, () => this.nowMs);
  }

  /** Opens a stream with a message of these bytes. */
  open(message: Uint8Array, last: boolean): StreamRecorder {
    const recorder = new StreamRecorder();
    const plan = { firstBytes: message.length, moreBytes: last ? 0 : Number.POSITIVE_INFINITY };
    recorder.stream = this.connection.open(recorder, plan);
    recorder.stream.write([withHeadroom(message, this.connection.firstHeadroomBytes)], last);
    return recorder;
  }

  connectionReady(): void {
    this.told.push("ready");
  }

  connectionDraining(): void {
    this.told.push("draining");
  }

  connectionIdle(): void {
    this.told.push("idle");
  }

  connectionClosed(_connection: HostConnection, error: ServeHTTPError | undefined): void {
    this.told.push("closed");
    this.error = error;
  }
}

/** Writes down what a stream tells, and holds it to the rules of `HostStreamListener`. */
export class StreamRecorder implements HostStreamListener {
  stream!: HostStream;
  readonly heads: HeaderFields[] = [];
  readonly chunks: Buffer[] = [];
  trailers: HeaderFields | undefined;
  resetCode: number | undefined;
  failure: { readonly error: ServeHTTPError; readonly unprocessed: boolean } | undefined;
  rooms = 0;
  /** What the stream must not do, and did. */
  readonly faults: string[] = [];
  onData: (() => void) | undefined;

  /** Sends a message of these bytes. */
  write(message: Uint8Array, last: boolean): void {
    this.stream.write([withHeadroom(message, frameHeadBytes)], last);
  }

  get body(): Buffer {
    return Buffer.concat(this.chunks);
  }

  /** Whether nothing more can be told. */
  get over(): boolean {
    return (
      this.trailers !== undefined || this.resetCode !== undefined || this.failure !== undefined
    );
  }

  receiveHead(fields: HeaderFields): void {
    this.#note("a head");
    this.heads.push(fields);
  }

  receiveData(octets: Buffer): void {
    this.#note("data");
    this.chunks.push(Buffer.from(octets));
    this.onData?.();
  }

  receiveEnd(trailers: HeaderFields): void {
    this.#note("an end");
    this.trailers = trailers;
  }

  hasRoom(): void {
    this.rooms += 1;
  }

  receiveReset(code: number): void {
    this.resetCode = code;
  }

  failed(error: ServeHTTPError, unprocessed: boolean): void {
    this.failure = { error, unprocessed };
  }

  #note(what: string): void {
    if (this.over) {
      this.faults.push(`${what} behind the end`);
    }
  }
}

function withHeadroom(message: Uint8Array, headroomBytes: number): Buffer {
  const bytes = Buffer.alloc(headroomBytes + message.length);
  bytes.set(message, headroomBytes);
  return bytes;
}
