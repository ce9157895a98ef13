import { methodAttribute } from "@servehttp/contract";
import { hostname } from "node:os";
import type { ObservedRequest } from "../observation/request-observer.js";
import { addressOf, portOf, rounded } from "./access-record.js";

/**
 * The record of a request as pino would write it at level info, a line of its own. It says what
 * `accessRecord` does, and is written by hand for speed: as `JSON.stringify` of the record it takes
 * five times as long, which a small GET of `apps/bench` would notice.
 */
export function jsonLine(request: ObservedRequest, unixMs: number): string {
  const { clientAddress, error, host, method, outcome, pluginId, requestId, target } = request;
  const { calledBy, status, timesGivenBack, trace, waitedMs } = request;
  const known = methodAttribute(method);
  const queryAt = target.indexOf("?");
  const path = queryAt < 0 ? target : target.slice(0, queryAt);
  const agent = request.field("user-agent");
  const line = `${front}${unixMs}${bindings}"http.request.method":"${known}","url.scheme":"${request.scheme}","url.path":${json(path)}${textMember("server.address", addressOf(host))}${numberMember("server.port", portOf(host))}${textMember("client.address", addressOf(clientAddress))}${numberMember("client.port", portOf(clientAddress))},"network.protocol.version":"${request.httpVersion}"${textMember("user_agent.original", agent)}${numberMember("http.response.status_code", status)},"http.request.body.size":${request.requestBytes},"http.response.body.size":${request.responseBytes}${textMember("servehttp.plugin.id", pluginId)}${textMember("servehttp.request.id", requestId)},"servehttp.outcome":"${outcome}","servehttp.client.left":${outcome === "client-disconnected"}${numberMember("servehttp.head_ms", rounded(request.headMs))}${numberMember("servehttp.total_ms", rounded(request.totalMs))}`;
  let rare = "";
  if (known !== method) {
    rare += textMember("http.request.method_original", method);
  }
  if (queryAt >= 0) {
    rare += textMember("url.query", target.slice(queryAt + 1));
  }
  if (error !== undefined) {
    rare += textMember("error.type", error.code);
  }
  if (waitedMs !== 0) {
    rare += numberMember("servehttp.waited_ms", rounded(waitedMs));
  }
  if (timesGivenBack !== 0) {
    rare += numberMember("servehttp.retries", timesGivenBack);
  }
  if (request.isTunnel) {
    rare += ',"servehttp.tunnel":true';
  }
  if (calledBy !== undefined) {
    rare += textMember("servehttp.called_by", calledBy);
  }
  if (trace !== undefined) {
    rare += `${textMember("trace_id", trace.traceId)}${textMember("span_id", trace.spanId)}`;
  }
  return `${line}${rare},"msg":"request"}\n`;
}

const front = '{"level":30,"time":';
const bindings = `,"pid":${process.pid},"hostname":${JSON.stringify(hostname())},"name":"servehttp",`;

function textMember(name: string, value: string | undefined): string {
  return value === undefined ? "" : `,"${name}":${json(value)}`;
}

function numberMember(name: string, value: number | undefined): string {
  return value === undefined ? "" : `,"${name}":${value}`;
}

/** Characters that stand in JSON as they are. */
const plain = /^[ !#-[\]-~]*$/;

function json(text: string): string {
  return plain.test(text) ? `"${text}"` : JSON.stringify(text);
}
