export { startBusyProcesses } from "./busy-processes.js";
export { type Certificate, certificate } from "./certificate.js";
export { childrenOf } from "./children-of.js";
export { ConnectedSockets, type Transport } from "./connected-sockets.js";
export { DnsServer } from "./dns-server.js";
export { docstringsOf } from "./docstrings.js";
export { FramePeer, type SeenFrame } from "./frame-peer.js";
export {
  clientPreface,
  connectionPreface,
  dataFrame,
  frame,
  frameFlag,
  frameHeadBytes,
  frameType,
  headersFrame,
  readStreamEnd,
  resetFrame,
  type StreamEnd,
} from "./http2-frames.js";
export { freePort } from "./free-port.js";
export { ManualClock } from "./manual-clock.js";
export { SeededRandom } from "./seeded-random.js";
export { type FakeSocket, socketPair } from "./socket-pair.js";
export { TemporaryDirectory } from "./temporary-directory.js";
export { selfSigned, TestAuthority } from "./test-authority.js";
export { testCertificates, type TestCertificates } from "./test-certificates.js";
export { isFullSize, randomRuns, type RandomRuns, sized } from "./test-size.js";
export { turns, until } from "./until.js";
