import type { MessageInitShape, MessageShape } from "@bufbuild/protobuf";
import type { PluginService } from "@servehttp/contract/services";

type Methods = typeof PluginService.method;

/** Messages of the contract as they are read: generated, every field there. */
export type Request = MessageShape<Methods["serveHTTP"]["input"]>;
export type RequestBatch = MessageShape<Methods["serveHTTPMux"]["input"]>;
export type Response = MessageShape<Methods["serveHTTP"]["output"]>;
export type ResponseBatch = MessageShape<Methods["serveHTTPMux"]["output"]>;

/** And as they are written: what is left out is absent. */
export type RequestInit = MessageInitShape<Methods["serveHTTP"]["input"]>;
export type RequestBatchInit = MessageInitShape<Methods["serveHTTPMux"]["input"]>;
export type ResponseInit = MessageInitShape<Methods["serveHTTP"]["output"]>;
export type ResponseBatchInit = MessageInitShape<Methods["serveHTTPMux"]["output"]>;
