/**
 * Whether this process has registered a tracer provider of OpenTelemetry. Asks for it without the
 * API, whose files take as long to load as all else that a plugin loads: it is loaded only where
 * this is true.
 */
export function isTracerProviderRegistered(): boolean {
  const registered = (globalThis as Record<symbol, unknown>)[registry];
  return (registered as { trace?: unknown } | undefined)?.trace !== undefined;
}

/** Each copy of the API, of whatever version below 2, keeps here what was registered with it. */
const registry = Symbol.for("opentelemetry.js.api.1");
