/**
 * The services of a plugin as generated code, for RPC stacks. They stand apart from the rest of this
 * package because they load `@bufbuild/protobuf`, which a plugin that starts need not wait for.
 */
export {
  Carrier,
  type DescribeRequest,
  type DescribeResponse,
  PluginService,
} from "./gen/servehttp/v1/plugin_pb.js";
export { DiagnosticsService } from "./gen/servehttp/v1/diagnostics_pb.js";
export { ResetCode } from "./gen/servehttp/v1/exchange_pb.js";
export { Health, HealthCheckResponse_ServingStatus } from "./gen/grpc/health/v1/health_pb.js";
