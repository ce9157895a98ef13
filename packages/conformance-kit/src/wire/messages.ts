import type { MessageInitShape, MessageShape } from "@bufbuild/protobuf";
import type { PluginService } from "@servehttp/contract/services";

type Methods = typeof PluginService.method;

/** Parts of a request, as they are written: what is left out is absent. */
export type RequestParts = MessageInitShape<Methods["serveHTTP"]["input"]>;
/** The head of a request, as it is written. */
export type RequestInit = NonNullable<Extract<RequestParts, { $typeName?: never }>["init"]>;
/** Parts of a response, as they are read. */
export type ResponseParts = MessageShape<Methods["serveHTTP"]["output"]>;
/** Parts of a response, as they are written: what is left out is absent. */
export type ResponsePartsToWrite = MessageInitShape<Methods["serveHTTP"]["output"]>;
/** Parts of a request, as they are read. */
export type RequestPartsRead = MessageShape<Methods["serveHTTP"]["input"]>;
/** A frame of mux to the plugin, as it is written. */
export type RequestFrame = NonNullable<
  Extract<MessageInitShape<Methods["serveHTTPMux"]["input"]>, { $typeName?: never }>["frames"]
>[number];

/** A frame of mux to the host, as it is written. */
export type ResponseFrame = NonNullable<
  Extract<MessageInitShape<Methods["serveHTTPMux"]["output"]>, { $typeName?: never }>["frames"]
>[number];

/** Names and values of a header or trailer section, one pair a value, one character a byte. */
export type Pairs = readonly (readonly [string, string])[];

/** What an RPC came to. */
export interface RpcEnd {
  /** The gRPC status; undefined where there was none, or where it could not be read. */
  readonly status: number | undefined;
  /** In words, for people. */
  readonly text: string;
}

/** An RPC that is open: messages in both directions. */
export interface Rpc {
  /**
   * Writes bytes of HTTP/2 data, and the end of this direction with the last of them where that is
   * said. Resolves when the peer's windows have let them out.
   */
  write(bytes: Uint8Array, andEnd?: boolean): Promise<void>;
  /** Ends this direction. */
  halfClose(): void;
  /** Gives the RPC up. */
  reset(code: number): void;
  /** Takes nothing more from the peer, so that its windows fill. */
  pause(): void;
  /** Takes again. */
  resume(): void;
}

/** Who reads an RPC. */
export interface RpcReader {
  message(bytes: Uint8Array): void;
  end(end: RpcEnd): void;
}
