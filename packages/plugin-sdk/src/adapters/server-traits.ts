import { IncomingMessage, type Server, ServerResponse } from "node:http";
import type { Socket } from "node:net";

/** What a server of Node's, by its options, does to the requests and responses that it makes. */
export interface ServerTraits {
  readonly server: Server;
  /** The classes that the options `IncomingMessage` and `ServerResponse` name. */
  readonly IncomingMessage: new (socket: Socket) => IncomingMessage;
  readonly ServerResponse: new (
    incoming: IncomingMessage,
    options?: ResponseOptions,
  ) => ServerResponse;
  readonly joinDuplicateHeaders: boolean | undefined;
  readonly responseOptions: ResponseOptions;
  /** Of the option `highWaterMark`, in bytes: of requests, and of responses. */
  readonly highWaterMark: number | undefined;
  /**
   * Of the option `uniqueHeaders`: names in lower case whose values are joined; undefined for none.
   */
  readonly uniqueHeaders: ReadonlySet<string> | undefined;
}

interface ResponseOptions {
  readonly rejectNonStandardBodyWrites: boolean;
  readonly highWaterMark?: number;
}

/**
 * Reads what a server's options have left on it. Node keeps classes and unique names under symbols
 * of its own; where an engine has none, the usual classes are taken.
 */
export function traitsOf(server: Server): ServerTraits {
  const { joinDuplicateHeaders, rejectNonStandardBodyWrites, highWaterMark } =
    server as Partial<ServerInternals>;
  return {
    server,
    IncomingMessage: (bySymbol(server, "IncomingMessage") ??
      IncomingMessage) as ServerTraits["IncomingMessage"],
    ServerResponse: (bySymbol(server, "ServerResponse") ??
      ServerResponse) as ServerTraits["ServerResponse"],
    joinDuplicateHeaders,
    responseOptions: {
      rejectNonStandardBodyWrites: rejectNonStandardBodyWrites === true,
      ...(highWaterMark !== undefined && { highWaterMark }),
    },
    highWaterMark,
    uniqueHeaders: bySymbol(server, "kUniqueHeaders") as ReadonlySet<string> | undefined,
  };
}

interface ServerInternals {
  readonly joinDuplicateHeaders: boolean | undefined;
  readonly rejectNonStandardBodyWrites: boolean;
  readonly highWaterMark: number;
}

/** The value under the symbol of this description; undefined where there is none. */
function bySymbol(server: Server, description: string): unknown {
  const symbol = Object.getOwnPropertySymbols(server).find(
    (one) => one.description === description,
  );
  return symbol === undefined ? undefined : (Reflect.get(server, symbol) ?? undefined);
}
