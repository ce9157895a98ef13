import type { ServerHttp2Stream } from "node:http2";
import { contractVersion, ServeHTTPError } from "@servehttp/contract";
import { serviceMessageBytesMax } from "../limits.js";
import {
  grpcResponseHeaders,
  grpcResponseOptions,
  refuseStream,
} from "../stream/plugin-stream-exchange.js";
import { GrpcMessageReader } from "../wire/grpc-message-reader.js";
import {
  encodeMessage,
  grpcStatus,
  statusOf as grpcStatusOf,
  statusText,
} from "../wire/grpc-status.js";
import {
  describePath,
  healthCheckPath,
  healthWatchPath,
  pluginServiceName,
} from "../wire/rpc-paths.js";
import {
  carrierNumbers,
  readDescribeRequest,
  readHealthCheckRequest,
  servingStatus,
  writeDescribeResponse,
  writeHealthCheckResponse,
} from "../wire/service-messages.js";
import { WireReader } from "../wire/wire-reader.js";
import type { WireWriter } from "../wire/wire-writer.js";
import type { ServingState } from "./serving-state.js";

/** What a plugin answers to `Describe` and to the health service. */
export interface PluginServices {
  /** Who answers, for `Describe`: at most 256 bytes. */
  readonly software: string;
  readonly state: ServingState;
}

/**
 * Serves an RPC of `Describe` or `grpc.health.v1` in gRPC with protobuf. Says whether the path is
 * that of one; the stream of any other is left alone.
 */
export function servePluginService(
  stream: ServerHttp2Stream,
  path: string | undefined,
  services: PluginServices,
  writer: WireWriter,
): boolean {
  switch (path) {
    case describePath:
      void serve(stream, (request) => describe(request, services, writer));
      return true;
    case healthCheckPath:
      void serve(stream, (request) => check(request, services, writer));
      return true;
    case healthWatchPath:
      void serve(stream, (request) => watch(stream, request, services, writer));
      return true;
    default:
      return false;
  }
}

/** The buffers of the last message, or a status in its place. */
type Answer = readonly Buffer[] | { readonly status: number; readonly text: string };

function describe(request: Buffer, { software }: PluginServices, writer: WireWriter): Answer {
  const versions = readDescribeRequest(new WireReader(request));
  if (!versions.includes(contractVersion)) {
    return {
      status: grpcStatus.failedPrecondition,
      text: `this plugin speaks version ${contractVersion} of the contract, the host ${versions.join(", ") || "none"}`,
    };
  }
  const carriers = [carrierNumbers.stream, carrierNumbers.mux];
  return writeDescribeResponse(writer, { contractVersion, servesHttp: true, carriers, software });
}

function check(request: Buffer, { state }: PluginServices, writer: WireWriter): Answer {
  const service = readHealthCheckRequest(new WireReader(request));
  return isKnown(service)
    ? writeHealthCheckResponse(writer, statusOf(state))
    : { status: grpcStatus.notFound, text: `no service ${JSON.stringify(service)} here` };
}

/**
 * Says how it is and, where that changes, how it is then. A watch that went on after that would keep
 * the connection, and the plugin, open.
 */
async function watch(
  stream: ServerHttp2Stream,
  request: Buffer,
  { state }: PluginServices,
  writer: WireWriter,
): Promise<Answer> {
  const service = readHealthCheckRequest(new WireReader(request));
  const status = () => (isKnown(service) ? statusOf(state) : servingStatus.serviceUnknown);
  if (state.serving) {
    const left = new AbortController();
    stream.once("close", () => left.abort());
    send(stream, writeHealthCheckResponse(writer, status()));
    await state.whenClosing(left.signal);
  }
  return writeHealthCheckResponse(writer, status());
}

function isKnown(service: string): boolean {
  return service === "" || service === pluginServiceName;
}

function statusOf(state: ServingState): number {
  return state.serving ? servingStatus.serving : servingStatus.notServing;
}

/** Reads the one message of the request, and sends the answer to it. */
async function serve(
  stream: ServerHttp2Stream,
  answerTo: (request: Buffer) => Answer | Promise<Answer>,
): Promise<void> {
  try {
    const answer = await answerTo(await readMessage(stream));
    if ("status" in answer) {
      refuse(stream, answer.status, answer.text);
    } else if (isOpen(stream)) {
      send(stream, answer);
      stream.end();
    }
  } catch (thrown) {
    const error = ServeHTTPError.from(thrown, "protocol-violation");
    refuse(stream, grpcStatusOf(error.code), statusText(error));
  }
}

function readMessage(stream: ServerHttp2Stream): Promise<Buffer> {
  const reader = new GrpcMessageReader(serviceMessageBytesMax);
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  let request: Buffer | undefined;
  stream.on("data", (input: Buffer) => {
    try {
      reader.push(input);
      for (let next = reader.next(); next !== undefined; next = reader.next()) {
        if (request !== undefined) {
          throw new ServeHTTPError("protocol-violation", "more than one message in the request");
        }
        request = next;
      }
    } catch (error) {
      stream.removeAllListeners("data");
      reject(error);
    }
  });
  stream.on("error", () => {
    // The host is gone, and nobody is left to answer.
  });
  stream.once("end", () => {
    if (request === undefined) {
      reject(new ServeHTTPError("protocol-violation", "no message in the request"));
    } else {
      resolve(request);
    }
  });
  return promise;
}

/** Sends the head, unless it has gone out, and a message. */
function send(stream: ServerHttp2Stream, message: readonly Buffer[]): void {
  if (!stream.headersSent) {
    stream.respond(grpcResponseHeaders, grpcResponseOptions);
    stream.once("wantTrailers", () => {
      if (isOpen(stream)) {
        stream.sendTrailers({ "grpc-status": String(grpcStatus.ok) });
      }
    });
  }
  for (const segment of message) {
    stream.write(segment);
  }
}

function refuse(stream: ServerHttp2Stream, status: number, text: string): void {
  if (isOpen(stream) && !stream.headersSent) {
    refuseStream(stream, { "grpc-status": String(status), "grpc-message": encodeMessage(text) });
  }
}

/** Whether the host still waits. */
function isOpen(stream: ServerHttp2Stream): boolean {
  return !stream.destroyed && !stream.closed;
}
