import { createHash } from "node:crypto";
import { setImmediate } from "node:timers/promises";

import { seededBytes } from "../load/seeded-bytes.js";
import type { BenchExchange } from "./bench-exchange.js";

/**
 * The plugin that every peer carries requests to.
 *
 *     GET  /small                     13 bytes, at once
 *     POST /echo                      the body, when all of it was read
 *     POST /upload                    {"bytes"} when all of the body was read
 *     POST /hash                      {"bytes", "sha256"} of the body
 *     GET  /download?bytes=N[&seed=S] N bytes, as fast as they are taken
 *     GET  /first-byte                one byte, the rest a moment later
 *     GET  /events                    events of 128 bytes, as fast as the subscriber takes them
 *     GET  /held                      one event, then silence until the client leaves
 *     GET  /memory                    this process's memory after a collection, {"rss", "heap", "held"}
 */
export async function serveBench(exchange: BenchExchange): Promise<unknown> {
  const query = exchange.url.indexOf("?");
  const path = query === -1 ? exchange.url : exchange.url.slice(0, query);
  switch (path) {
    case "/small":
      exchange.head(200, smallFields);
      return exchange.end(smallBody);
    case "/echo":
      return echo(exchange);
    case "/upload":
      return upload(exchange);
    case "/hash":
      return hash(exchange);
    case "/download":
      return download(exchange, new URLSearchParams(exchange.url.slice(query)));
    case "/first-byte":
      return firstByte(exchange);
    case "/events":
      return publish(exchange);
    case "/held":
      return hold(exchange);
    case "/memory":
      return answerJson(exchange, memory());
    default:
      exchange.head(404, [["content-length", "0"]]);
      return exchange.end();
  }
}

const smallBody = Buffer.from("Hello, world\n");
const smallFields = [
  ["content-type", "text/plain"],
  ["content-length", String(smallBody.byteLength)],
] as const;
const eventFields = [["content-type", "text/event-stream"]] as const;
/** An event has one tilde, and nothing else has: a client that counts tildes counts events. */
const event = Buffer.from(`data: ~${"e".repeat(128 - 9)}\n\n`);
const heldEvent = Buffer.from("data: ~held\n\n");
const oneByte = Buffer.from("x");
const block = seededBytes(1).next().value;
/** How long the rest of /first-byte stays behind its first byte. */
const firstByteGapMs = 2;

let heldCount = 0;

async function echo(exchange: BenchExchange): Promise<void> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of exchange.body) {
    chunks.push(chunk);
  }
  const body = Buffer.concat(chunks);
  exchange.head(200, [
    ["content-type", "application/json"],
    ["content-length", String(body.byteLength)],
  ]);
  await exchange.end(body);
}

async function upload(exchange: BenchExchange): Promise<void> {
  let bytes = 0;
  for await (const chunk of exchange.body) {
    bytes += chunk.byteLength;
  }
  await answerJson(exchange, { bytes });
}

async function hash(exchange: BenchExchange): Promise<void> {
  const digest = createHash("sha256");
  let bytes = 0;
  for await (const chunk of exchange.body) {
    bytes += chunk.byteLength;
    digest.update(chunk);
  }
  await answerJson(exchange, { bytes, sha256: digest.digest("hex") });
}

async function download(exchange: BenchExchange, query: URLSearchParams): Promise<void> {
  const seed = query.get("seed");
  const blocks = seed === null ? undefined : seededBytes(Number(seed));
  let left = Number(query.get("bytes"));
  let closed = false;
  exchange.onClose(() => (closed = true));
  exchange.head(200, [
    ["content-type", "application/octet-stream"],
    ["content-length", String(left)],
  ]);
  while (left > 0 && !closed) {
    const next = blocks === undefined ? block : blocks.next().value;
    const chunk = next.subarray(0, left);
    left -= chunk.byteLength;
    await exchange.write(chunk);
  }
  if (!closed) {
    await exchange.end();
  }
}

async function firstByte(exchange: BenchExchange): Promise<void> {
  exchange.head(200, [["content-length", "2"]]);
  await exchange.write(oneByte);
  await new Promise((resolve) => setTimeout(resolve, firstByteGapMs));
  await exchange.end(oneByte);
}

/** One event for each subscriber, then the next turn of the event loop. */
async function publish(exchange: BenchExchange): Promise<void> {
  let closed = false;
  exchange.onClose(() => (closed = true));
  exchange.head(200, eventFields);
  while (!closed) {
    await exchange.write(event);
    await setImmediate();
  }
}

async function hold(exchange: BenchExchange): Promise<void> {
  const closed = new Promise<void>((resolve) => exchange.onClose(resolve));
  exchange.head(200, eventFields);
  heldCount++;
  await exchange.write(heldEvent);
  await closed;
  heldCount--;
}

function memory(): { rss: number; heap: number; held: number } {
  globalThis.gc?.();
  const { rss, heapUsed, external } = process.memoryUsage();
  return { rss, heap: heapUsed + external, held: heldCount };
}

function answerJson(exchange: BenchExchange, value: unknown): Promise<unknown> | undefined {
  const body = Buffer.from(JSON.stringify(value));
  exchange.head(200, [
    ["content-type", "application/json"],
    ["content-length", String(body.byteLength)],
  ]);
  return exchange.end(body);
}
