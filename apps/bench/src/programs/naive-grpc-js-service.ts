import {
  create,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from "@bufbuild/protobuf";
import type { ServiceDefinition } from "@grpc/grpc-js";
import { PluginService } from "@servehttp/contract/services";

type Method = typeof PluginService.method.serveHTTP;

export type GrpcRequest = MessageInitShape<Method["input"]>;
export type GrpcRequestRead = MessageShape<Method["input"]>;
export type GrpcResponse = MessageInitShape<Method["output"]>;
export type GrpcResponseRead = MessageShape<Method["output"]>;

/** The path of ServeHTTP in a gRPC request. */
export const serveHTTPPath = `/${PluginService.typeName}/${PluginService.method.serveHTTP.name}`;

export function serializeRequest(message: GrpcRequest): Buffer {
  const { input } = PluginService.method.serveHTTP;
  return Buffer.from(toBinary(input, create(input, message)));
}

export function deserializeRequest(bytes: Buffer): GrpcRequestRead {
  return fromBinary(PluginService.method.serveHTTP.input, bytes);
}

export function serializeResponse(message: GrpcResponse): Buffer {
  const { output } = PluginService.method.serveHTTP;
  return Buffer.from(toBinary(output, create(output, message)));
}

export function deserializeResponse(bytes: Buffer): GrpcResponseRead {
  return fromBinary(PluginService.method.serveHTTP.output, bytes);
}

/** ServeHTTP as grpc-js wants it described. */
export const naiveGrpcJsService = {
  serveHTTP: {
    path: serveHTTPPath,
    requestStream: true,
    responseStream: true,
    requestSerialize: serializeRequest,
    requestDeserialize: deserializeRequest,
    responseSerialize: serializeResponse,
    responseDeserialize: deserializeResponse,
  },
} satisfies ServiceDefinition;
