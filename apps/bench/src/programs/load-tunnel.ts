/**
 * Moves bytes through one tunnel. Arguments: host, port, prefix, bytes up, bytes down. Prints a
 * BulkResult of both ways together when both have ended.
 */
import { once } from "node:events";
import { connect } from "node:net";
import { finished } from "node:stream/promises";

import { sendBytes, type TunnelAnswer, tunnelHead } from "./serve-tunnel.js";

const [, , host = "", port, prefix = "", up, down] = process.argv;
const upBytes = Number(up);
const downBytes = Number(down);
const opened = Promise.withResolvers<void>();
let head = "";
let received = 0;
let answer = "";

const socket = connect({ host, port: Number(port), noDelay: true, allowHalfOpen: true });
await once(socket, "connect");
const pluginEnded = finished(socket, { writable: false });
socket.on("data", take);
socket.write(`GET ${prefix}/tunnel?bytes=${downBytes} HTTP/1.1\r\nHost: bench\r\n\r\n`);
await Promise.race([opened.promise, pluginEnded]);
if (head !== tunnelHead) {
  throw new Error(`no tunnel: ${JSON.stringify(head)}`);
}

const startedMs = performance.now();
await sendBytes(socket, upBytes);
socket.end();
await pluginEnded;
const durationUs = (performance.now() - startedMs) * 1_000;

const wanted = JSON.stringify({ received: upBytes } satisfies TunnelAnswer);
if (answer !== wanted) {
  throw new Error(`${received} bytes, then ${JSON.stringify(answer)} and not ${wanted}`);
}
console.log(JSON.stringify({ bytes: upBytes + downBytes, durationUs }));

/** Head, bytes, answer: each may begin and end anywhere in a chunk. */
function take(chunk: Buffer): void {
  const headBytes = Math.min(chunk.length, tunnelHead.length - head.length);
  if (headBytes > 0) {
    head += chunk.toString("latin1", 0, headBytes);
    if (head.length === tunnelHead.length) {
      opened.resolve();
    }
  }
  const bodyBytes = Math.min(chunk.length - headBytes, downBytes - received);
  received += bodyBytes;
  answer += chunk.toString("latin1", headBytes + bodyBytes);
}
