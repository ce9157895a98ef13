import type { TracerProvider } from "@opentelemetry/api";
import { isTracerProviderRegistered } from "@servehttp/contract";
import { RequestTracer } from "./request-tracer.js";

/**
 * What makes spans of requests; undefined where nobody wants any.
 *
 * @param given the option `tracerProvider`
 */
export async function openTracer(
  given: TracerProvider | false | undefined,
): Promise<RequestTracer | undefined> {
  if (given === false || (given === undefined && !isTracerProviderRegistered())) {
    return undefined;
  }
  // Loaded only now: hosts that trace nothing start without it.
  const api = await import("@opentelemetry/api");
  const provider = given ?? api.trace.getTracerProvider();
  return new RequestTracer(api, provider.getTracer("@servehttp/host-bridge"));
}
