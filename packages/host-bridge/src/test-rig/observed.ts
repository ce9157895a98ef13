import type { ObservedRequest } from "../observation/request-observer.js";

/** A GET that was answered with 200 and 5 bytes, but for what is given. */
export function observed(
  given: Partial<ObservedRequest> = {},
  fields: Readonly<Record<string, string>> = {},
): ObservedRequest {
  return {
    pluginId: "notes",
    requestId: "a-1",
    method: "GET",
    target: "/plugins/notes/a?q=1",
    scheme: "http",
    host: "a.test:8080",
    clientAddress: "192.0.2.7:4711",
    httpVersion: "1.1",
    calledBy: undefined,
    trace: undefined,
    basePath: "/plugins/notes",
    traceContext: undefined,
    traceFields: undefined,
    startedMs: 0,
    waitedMs: 0,
    timesGivenBack: 0,
    status: 200,
    headMs: 1.2345,
    totalMs: 2.5,
    requestBytes: 0,
    responseBytes: 5,
    isTunnel: false,
    outcome: "ok",
    error: undefined,
    field: (name) => fields[name],
    stop: () => undefined,
    ...given,
  };
}
