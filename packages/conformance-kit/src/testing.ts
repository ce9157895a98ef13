/**
 * What the checks of hosts are made of, for tests of a host of your own: clients that show every byte
 * and every way in which a transfer ends, and a gate that makes of Node's HTTP/2 server another stack.
 */
export { Http1Client } from "./client/http1-client.js";
export { Http2Client, Http2Reset } from "./client/http2-client.js";
export { RawConnection, type RawResponse } from "./client/raw-connection.js";
export type { ServerAddress } from "./client/server-address.js";
export {
  call,
  type Pairs,
  pairsOf,
  type HttpClient,
  type TestExchange,
  type TestHead,
  type TestRequest,
  type TestResponse,
  valuesOf,
} from "./client/http-client.js";
export { type GateTraits, StackGate } from "./served/stack-gate.js";
export { flags, type Frame, frameTypes } from "./wire/http2-frames.js";
