export {
  advanceExchange,
  type ExchangeSide,
  type ExchangeState,
  hasEnded,
  isTunnel,
} from "./advance-exchange.js";
export type { AcceptExchange, ExchangeChannel, PartReceiver, Unsent } from "./exchange-channel.js";
export { GrowthBudget, ReceiveWindow, SendWindow } from "./flow-window.js";
export { FrameBatch, type FrameBatchListener, type FrameSink } from "./frame-batch.js";
export type { Frame, FrameQueue, ReusedFrame } from "./frame-queue.js";
export {
  comparableName,
  fieldProblem,
  forbiddenTrailerNames,
  hopByHopNames,
  isFieldValue,
  isForbiddenTrailer,
  isReasonPhrase,
  isToken,
  trimFieldValue,
} from "./header-fields.js";
export {
  basePathBytesMax,
  bodyChunkBytesMax,
  contextBytesMax,
  contextEntriesMax,
  contractVersion,
  discardBytesMax,
  fieldCountMax,
  fieldNameBytesMax,
  fieldSectionBytesMax,
  informationalCountMax,
  messageBytesMax,
  muxBatchBytesMax,
  muxCreditBytesMax,
  muxGrowthAfterBytes,
  muxGrowthBytesMax,
  muxMessageBytesMax,
  muxWaitingBytesMax,
  muxWindowBytes,
  muxWindowGrowthBytes,
  reasonBytesMax,
  reasonPhraseBytesMax,
} from "./limits.js";
export {
  httpRequestAttributes,
  type HttpRequestFacts,
  methodAttribute,
  methodSpanName,
} from "./http-attributes.js";
export { isThenable } from "./is-thenable.js";
export { loggableError } from "./loggable-error.js";
export { type Linked, LinkedSet } from "./linked-set.js";
export type { Logger } from "./logger.js";
export { mergeRequestParts, mergeResponseParts } from "./merge-parts.js";
export {
  advanceRequest,
  advanceResponse,
  initialRequestOrder,
  initialResponseOrder,
  isHijacked,
  isRequestOver,
  isResponseOver,
  type RequestOrder,
  type ResponseOrder,
} from "./part-order.js";
export { bodyBytesOf, type PartRules, requestPartRules, responsePartRules } from "./part-rules.js";
export type {
  BodyParts,
  End,
  FieldList,
  InformationalResponse,
  Memo,
  RepeatedHead,
  RequestInit,
  RequestParts,
  ResponseInit,
  ResponseParts,
} from "./parts.js";
export { memoOf, noFields, plainEnd } from "./parts.js";
export { RefusedExchange } from "./refused-exchange.js";
export { Room } from "./room.js";
export {
  type ErrorCode,
  type ExchangeErrorCode,
  ServeHTTPError,
  type UsageErrorCode,
} from "./servehttp-error.js";
export { isTracerProviderRegistered } from "./tracer-provider.js";
export { type TraceParent, traceParentOf } from "./trace-parent.js";
