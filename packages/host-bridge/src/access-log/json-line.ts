import { methodAttribute } from "@servehttp/contract";
import { hostname } from "node:os";
import type { ObservedRequest } from "../observation/request-observer.js";
import { addressOf, portOf } from "./access-record.js";
import { KnownLine } from "./known-line.js";
import { jsonBytesMax, type LineBytes, numberBytesMax, timeBytes } from "./line-bytes.js";
import type { LineWriter } from "./line-writer.js";

/** A request of which a line is written. */
export interface LoggedRequest extends ObservedRequest {
  /** There where the same fields come again and again on a connection: for what lines repeat. */
  readonly lineMemo?: { made: unknown } | undefined;
}

/**
 * Writes the record of a request as pino would write it at level info, a line of its own. It says
 * what `accessRecord` does, and is put together byte by byte: as a string it took more of a small
 * GET of `apps/bench` than all else that the host watches.
 */
export function writeJsonLine(writer: LineWriter, request: LoggedRequest, unixMs: number): void {
  const known = knownLine(request);
  const upToTimes = known?.upToTimes(request);
  const copied = upToTimes ?? known?.beginning;
  const line = writer.begin((copied?.length ?? beginningBytesMax(request)) + restBytesMax(request));
  const start = copied === undefined ? putBeginning(line, request) : line.copy(copied);
  line.timeAt(start + front.length, unixMs);
  if (known !== undefined && upToTimes !== undefined) {
    known.putId(line, start, request);
  } else {
    putTarget(line, request.target);
    const idAt = line.length - start + id.length + 1;
    putAnswer(line, request);
    known?.note(request, line, start, idAt);
  }
  putMilliseconds(line, headTime, request.headMs);
  putMilliseconds(line, totalTime, request.totalMs);
  putRare(line, request);
  line.copy(messageAndEnd);
  writer.end(line);
}

function knownLine(request: LoggedRequest): KnownLine | undefined {
  const known = request.lineMemo?.made as KnownLine | undefined;
  return known?.begins(request) === true ? known : undefined;
}

/** Everything that comes again. Returns where it begins. */
function putBeginning(line: LineBytes, request: LoggedRequest): number {
  const { clientAddress, host, lineMemo, method, pluginId } = request;
  const start = line.copy(frontAndBindings);
  const known = methodAttribute(method);
  putText(line, methodName, known);
  if (known !== method) {
    putText(line, originalMethod, method);
  }
  putText(line, scheme, request.scheme);
  putText(line, serverAddress, addressOf(host));
  putNumber(line, serverPort, portOf(host));
  putText(line, clientAddressName, addressOf(clientAddress));
  putNumber(line, clientPort, portOf(clientAddress));
  putText(line, protocolVersion, request.httpVersion);
  putText(line, userAgent, request.field("user-agent"));
  putText(line, plugin, pluginId);
  if (lineMemo !== undefined) {
    lineMemo.made = new KnownLine(request, line.copyFrom(start));
  }
  return start;
}

function beginningBytesMax(request: LoggedRequest): number {
  const { clientAddress, host, method, pluginId } = request;
  return (
    frontAndBindings.length +
    namesBytesMax +
    jsonBytesMax(method) +
    jsonBytesMax(host) +
    jsonBytesMax(clientAddress) +
    jsonBytesMax(request.field("user-agent")) +
    jsonBytesMax(pluginId)
  );
}

/** More than the names of all members, either at the beginning or beside, with their numbers. */
const namesBytesMax = 512 + 8 * numberBytesMax;

function restBytesMax(request: LoggedRequest): number {
  const { calledBy, error, outcome, requestId, target, trace } = request;
  let bytes = namesBytesMax + jsonBytesMax(target) + jsonBytesMax(requestId);
  if (outcome !== "ok") {
    bytes += jsonBytesMax(outcome) + jsonBytesMax(error?.code);
  }
  if (trace !== undefined) {
    bytes += jsonBytesMax(trace.traceId) + jsonBytesMax(trace.spanId);
  }
  return bytes + jsonBytesMax(calledBy);
}

function putTarget(line: LineBytes, target: string): void {
  const queryAt = target.indexOf("?");
  if (queryAt < 0) {
    putText(line, path, target);
  } else {
    putText(line, path, target.slice(0, queryAt));
    putText(line, query, target.slice(queryAt + 1));
  }
}

function putAnswer(line: LineBytes, request: LoggedRequest): void {
  const { outcome, requestId, status } = request;
  putText(line, id, requestId);
  if (status === 200 && outcome === "ok") {
    line.copy(good);
  } else {
    putNumber(line, statusCode, status);
    putText(line, outcomeName, outcome);
    line.copy(outcome === "client-disconnected" ? left : stayed);
  }
  putNumber(line, requestSize, request.requestBytes);
  putNumber(line, responseSize, request.responseBytes);
}

function putRare(line: LineBytes, request: LoggedRequest): void {
  const { timesGivenBack, trace, waitedMs } = request;
  putText(line, errorType, request.error?.code);
  if (waitedMs !== 0) {
    putMilliseconds(line, waitedTime, waitedMs);
  }
  if (timesGivenBack !== 0) {
    putNumber(line, retries, timesGivenBack);
  }
  if (request.isTunnel) {
    line.copy(tunnel);
  }
  putText(line, calledByName, request.calledBy);
  if (trace !== undefined) {
    putText(line, traceId, trace.traceId);
    putText(line, spanId, trace.spanId);
  }
}

// Names with the comma before them and the colon behind them, and whole members.
const front = ascii('{"level":30,"time":');
const bindings = JSON.stringify({ pid: process.pid, hostname: hostname(), name: "servehttp" });
const frontAndBindings = Buffer.concat([
  front,
  ascii(" ".repeat(timeBytes)),
  Buffer.from(`,${bindings.slice(1, -1)}`),
]);
const methodName = ascii(',"http.request.method":');
const originalMethod = ascii(',"http.request.method_original":');
const scheme = ascii(',"url.scheme":');
const serverAddress = ascii(',"server.address":');
const serverPort = ascii(',"server.port":');
const clientAddressName = ascii(',"client.address":');
const clientPort = ascii(',"client.port":');
const protocolVersion = ascii(',"network.protocol.version":');
const userAgent = ascii(',"user_agent.original":');
const plugin = ascii(',"servehttp.plugin.id":');
const path = ascii(',"url.path":');
const query = ascii(',"url.query":');
const id = ascii(',"servehttp.request.id":');
const statusCode = ascii(',"http.response.status_code":');
const outcomeName = ascii(',"servehttp.outcome":');
const stayed = ascii(',"servehttp.client.left":false');
const left = ascii(',"servehttp.client.left":true');
const good = Buffer.concat([statusCode, ascii("200"), outcomeName, ascii('"ok"'), stayed]);
const requestSize = ascii(',"http.request.body.size":');
const responseSize = ascii(',"http.response.body.size":');
const headTime = ascii(',"servehttp.head_ms":');
const totalTime = ascii(',"servehttp.total_ms":');
const errorType = ascii(',"error.type":');
const waitedTime = ascii(',"servehttp.waited_ms":');
const retries = ascii(',"servehttp.retries":');
const tunnel = ascii(',"servehttp.tunnel":true');
const calledByName = ascii(',"servehttp.called_by":');
const traceId = ascii(',"trace_id":');
const spanId = ascii(',"span_id":');
const messageAndEnd = ascii(',"msg":"request"}\n');

function ascii(text: string): Uint8Array {
  return Buffer.from(text, "latin1");
}

function putText(line: LineBytes, name: Uint8Array, value: string | undefined): void {
  if (value !== undefined) {
    line.copy(name);
    line.json(value);
  }
}

function putNumber(line: LineBytes, name: Uint8Array, value: number | undefined): void {
  if (value !== undefined) {
    line.copy(name);
    line.whole(value);
  }
}

function putMilliseconds(line: LineBytes, name: Uint8Array, value: number | undefined): void {
  if (value !== undefined) {
    line.copy(name);
    line.milliseconds(value);
  }
}
