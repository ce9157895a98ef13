import { hostname } from "node:os";
import type { ObservedRequest } from "../observation/request-observer.js";
import { accessRecord } from "./access-record.js";

/** The record of a request as pino would write it at level info, a line of its own. */
export function jsonLine(request: ObservedRequest, unixMs: number): string {
  // What is undefined is left out.
  return `${front}${unixMs}${bindings}${JSON.stringify(accessRecord(request)).slice(1, -1)},"msg":"request"}\n`;
}

const front = '{"level":30,"time":';
const bindings = `,"pid":${process.pid},"hostname":${JSON.stringify(hostname())},"name":"servehttp",`;
