import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import type { FieldList, RequestParts, ResponseParts } from "@servehttp/contract";
import {
  type HeaderField,
  type ServeHTTPRequest,
  ServeHTTPRequestSchema,
  type ServeHTTPResponse,
  ServeHTTPResponseSchema,
} from "../../../contract/src/gen/servehttp/v1/exchange_pb.js";

/* Parts by the generated codec, with which ours is compared. */

export function encodeRequest(parts: RequestParts, join: boolean): Uint8Array {
  return toBinary(ServeHTTPRequestSchema, requestMessage(parts, join));
}

export function encodeResponse(parts: ResponseParts, join: boolean): Uint8Array {
  return toBinary(ServeHTTPResponseSchema, responseMessage(parts, join));
}

export function decodeRequest(bytes: Uint8Array): RequestParts {
  return requestParts(fromBinary(ServeHTTPRequestSchema, bytes));
}

export function decodeResponse(bytes: Uint8Array): ResponseParts {
  return responseParts(fromBinary(ServeHTTPResponseSchema, bytes));
}

/**
 * The parts as a generated message. With `join`, neighbouring values of one name share a
 * HeaderField.
 */
export function requestMessage(parts: RequestParts, join: boolean): ServeHTTPRequest {
  const { init } = parts;
  return create(ServeHTTPRequestSchema, {
    ...(init !== undefined && {
      init: {
        method: init.method,
        url: utf8Of(init.url),
        requestUri: utf8Of(init.requestUri),
        basePath: utf8Of(init.basePath),
        fullPath: init.fullPath,
        protocol: init.protocol,
        protocolMajor: init.protocolMajor,
        protocolMinor: init.protocolMinor,
        host: utf8Of(init.host),
        remoteAddr: utf8Of(init.remoteAddress),
        headers: fieldsOf(init.headers, join),
        contentLength: BigInt(init.contentLength),
        deadlineUnixMs: BigInt(init.deadlineUnixMs),
        requestId: init.requestId,
        context: init.context,
        scheme: init.scheme,
        expectContinue: init.expectContinue,
        hijackable: init.hijackable,
        ...(init.tunnelHead !== undefined && { tunnelHead: init.tunnelHead }),
        ...(init.calledBy !== undefined && { calledBy: init.calledBy }),
        ...(init.clientConnectionId !== undefined && {
          clientConnectionId: init.clientConnectionId,
        }),
      },
    }),
    ...(parts.chunk !== undefined && { chunk: parts.chunk }),
    ...(parts.end !== undefined && { end: { trailers: fieldsOf(parts.end.trailers, join) } }),
    ...(parts.tunnelChunk !== undefined && { tunnelChunk: parts.tunnelChunk }),
    tunnelEnd: parts.tunnelEnd === true,
  });
}

export function responseMessage(parts: ResponseParts, join: boolean): ServeHTTPResponse {
  const head = ({ status, headers }: { status: number; headers: FieldList }) => ({
    status,
    headers: fieldsOf(headers, join),
  });
  const { init } = parts;
  return create(ServeHTTPResponseSchema, {
    informational: (parts.informational ?? []).map(head),
    ...(init !== undefined && {
      init: { ...head(init), reason: Buffer.from(init.reason ?? "", "latin1") },
    }),
    ...(parts.hijack !== undefined && { hijack: {} }),
    ...(parts.chunk !== undefined && { chunk: parts.chunk }),
    flush: parts.flush === true,
    ...(parts.end !== undefined && { end: { trailers: fieldsOf(parts.end.trailers, join) } }),
    ...(parts.tunnelChunk !== undefined && { tunnelChunk: parts.tunnelChunk }),
    tunnelEnd: parts.tunnelEnd === true,
    extendHeadMs: parts.extendHeadMs ?? 0,
  });
}

function requestParts(message: ServeHTTPRequest): RequestParts {
  const { init } = message;
  return {
    ...(init !== undefined && {
      init: {
        method: init.method,
        url: octetsOf(init.url),
        requestUri: octetsOf(init.requestUri),
        basePath: octetsOf(init.basePath),
        fullPath: init.fullPath,
        protocol: init.protocol,
        protocolMajor: init.protocolMajor,
        protocolMinor: init.protocolMinor,
        host: octetsOf(init.host),
        remoteAddress: octetsOf(init.remoteAddr),
        headers: flat(init.headers),
        contentLength: Number(init.contentLength),
        deadlineUnixMs: Number(init.deadlineUnixMs),
        requestId: init.requestId,
        context: init.context,
        scheme: init.scheme as "http" | "https",
        expectContinue: init.expectContinue,
        hijackable: init.hijackable,
        ...(init.tunnelHead.length > 0 && { tunnelHead: init.tunnelHead }),
        ...(init.calledBy !== "" && { calledBy: init.calledBy }),
        clientConnectionId: init.clientConnectionId === "" ? undefined : init.clientConnectionId,
      },
    }),
    ...(message.chunk.length > 0 && { chunk: message.chunk }),
    ...(message.end !== undefined && { end: { trailers: flat(message.end.trailers) } }),
    ...(message.tunnelChunk.length > 0 && { tunnelChunk: message.tunnelChunk }),
    ...(message.tunnelEnd && { tunnelEnd: true }),
  };
}

function responseParts(message: ServeHTTPResponse): ResponseParts {
  const head = ({ status, headers }: { status: number; headers: HeaderField[] }) => ({
    status,
    headers: flat(headers),
  });
  const { init } = message;
  return {
    ...(message.informational.length > 0 && { informational: message.informational.map(head) }),
    ...(init !== undefined && {
      init: {
        ...head(init),
        ...(init.reason.length > 0 && { reason: Buffer.from(init.reason).toString("latin1") }),
      },
    }),
    ...(message.hijack !== undefined && { hijack: true }),
    ...(message.chunk.length > 0 && { chunk: message.chunk }),
    ...(message.flush && { flush: true }),
    ...(message.end !== undefined && { end: { trailers: flat(message.end.trailers) } }),
    ...(message.tunnelChunk.length > 0 && { tunnelChunk: message.tunnelChunk }),
    ...(message.tunnelEnd && { tunnelEnd: true }),
    ...(message.extendHeadMs > 0 && { extendHeadMs: message.extendHeadMs }),
  };
}

type FieldInit = { name: string; values: Uint8Array[] };

function fieldsOf(fields: FieldList, join: boolean): FieldInit[] {
  const list: FieldInit[] = [];
  for (let index = 0; index < fields.length; index += 2) {
    const name = fields[index] as string;
    const value = Buffer.from(fields[index + 1] as string, "latin1");
    const last = list.at(-1);
    if (join && last?.name === name) {
      last.values.push(value);
    } else {
      list.push({ name, values: [value] });
    }
  }
  return list;
}

function flat(fields: readonly HeaderField[]): FieldList {
  return fields.flatMap(({ name, values }) =>
    values.flatMap((value) => [name, Buffer.from(value).toString("latin1")]),
  );
}

function utf8Of(octets: string): string {
  return Buffer.from(octets, "latin1").toString("utf8");
}

function octetsOf(text: string): string {
  return Buffer.from(text, "utf8").toString("latin1");
}
