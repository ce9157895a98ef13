import { createHash } from "node:crypto";
import { setTimeout } from "node:timers/promises";

import type { HttpAnswer, HttpCall, HttpConnection } from "../load/http-connection.js";
import { seededBytes } from "../load/seeded-bytes.js";
import type { SeededRandom } from "@servehttp/testkit";

/** What an action works with. */
export interface SoakContext {
  readonly connection: HttpConnection;
  /** Before the handler's paths. */
  readonly prefix: string;
  readonly random: SeededRandom;
}

/** One thing that clients do. */
export interface SoakAction {
  readonly name: string;
  /** Whether the connection can't be used again afterwards. */
  readonly leaves?: boolean;
  /** Throws a WrongBytes for a wrong answer, and another error if there is none. */
  run(context: SoakContext): Promise<void>;
}

/** An answer came, and it was the wrong one. */
export class WrongBytes extends Error {}

export const soakActions: readonly SoakAction[] = [
  { name: "get", run: get },
  { name: "get", run: get },
  { name: "get", run: get },
  { name: "post", run: (context) => post(context, 1, 64 * 1024) },
  { name: "echo", run: echo },
  { name: "upload", run: (context) => post(context, 64 * 1024, 4 * 1024 * 1024) },
  { name: "download", run: (context) => download(context, 4 * 1024 * 1024) },
  { name: "slow reader", run: readSlowly },
  { name: "upload that nobody reads", leaves: true, run: uploadToNobody },
  { name: "cancelled download", leaves: true, run: cancelDownload },
  { name: "cancelled upload", leaves: true, run: cancelUpload },
  { name: "events", leaves: true, run: subscribe },
];

async function get({ connection, prefix }: SoakContext): Promise<void> {
  let body = "";
  const answer = await connection.call({
    method: "GET",
    path: `${prefix}/small`,
    onBody: (chunk) => (body += chunk.toString("latin1")),
  });
  expectAnswer(answer, 200, body, "Hello, world\n");
}

async function post(context: SoakContext, bytesMin: number, bytesMax: number): Promise<void> {
  const { connection, prefix, random } = context;
  const bytes = random.integer(bytesMin, bytesMax);
  const seed = random.integer(1, 1_000_000);
  let body = "";
  const answer = await connection.call({
    method: "POST",
    path: `${prefix}/hash`,
    bodyBytes: bytes,
    body: someBytes(seed, bytes),
    onBody: (chunk) => (body += chunk.toString("latin1")),
  });
  expectAnswer(answer, 200, body, JSON.stringify({ bytes, sha256: hashOf(seed, bytes) }));
}

async function echo({ connection, prefix, random }: SoakContext): Promise<void> {
  const bytes = random.integer(1, 256 * 1024);
  const seed = random.integer(1, 1_000_000);
  const digest = createHash("sha256");
  const answer = await connection.call({
    method: "POST",
    path: `${prefix}/echo`,
    bodyBytes: bytes,
    body: someBytes(seed, bytes),
    onBody: (chunk) => digest.update(chunk),
  });
  expectAnswer(answer, 200, digest.digest("hex"), hashOf(seed, bytes));
}

async function download(
  { connection, prefix, random }: SoakContext,
  bytesMax: number,
  onBody?: HttpCall["onBody"],
): Promise<void> {
  const bytes = random.integer(1, bytesMax);
  const seed = random.integer(1, 1_000_000);
  const digest = createHash("sha256");
  const answer = await connection.call({
    method: "GET",
    path: `${prefix}/download?bytes=${bytes}&seed=${seed}`,
    onBody: (chunk) => {
      digest.update(chunk);
      onBody?.(chunk);
    },
  });
  expectAnswer(answer, 200, digest.digest("hex"), hashOf(seed, bytes));
}

/** Stops reading for a while every quarter of a MiB. */
async function readSlowly(context: SoakContext): Promise<void> {
  const { connection, random } = context;
  let untilPause = 0;
  await download(context, 2 * 1024 * 1024, (chunk) => {
    untilPause -= chunk.length;
    if (untilPause <= 0) {
      untilPause = 256 * 1024;
      connection.pause();
      void setTimeout(random.integer(1, 100)).then(() => connection.resume());
    }
  });
}

/** The plugin answers without a look at the body. */
async function uploadToNobody({ connection, prefix, random }: SoakContext): Promise<void> {
  const bytes = random.integer(1, 2 * 1024 * 1024);
  const answer = await connection.call({
    method: "POST",
    path: `${prefix}/nobody`,
    bodyBytes: bytes,
    body: someBytes(1, bytes),
  });
  expectAnswer(answer, 404, answer.bytes, 0);
}

async function cancelDownload(context: SoakContext): Promise<void> {
  const { connection, prefix, random } = context;
  await leaveAfter(random.integer(0, 50), connection, {
    method: "GET",
    path: `${prefix}/download?bytes=1073741824`,
  });
}

async function cancelUpload(context: SoakContext): Promise<void> {
  const { connection, prefix, random } = context;
  await leaveAfter(random.integer(0, 50), connection, {
    method: "POST",
    path: `${prefix}/upload`,
    bodyBytes: 1024 * 1024 * 1024,
    body: someBytes(1, 1024 * 1024 * 1024),
  });
}

async function subscribe({ connection, prefix, random }: SoakContext): Promise<void> {
  let text = "";
  await leaveAfter(random.integer(0, 200), connection, {
    method: "GET",
    path: `${prefix}/events`,
    onBody: (chunk) => (text += chunk.toString("latin1")),
  });
  const event = `data: ~${"e".repeat(128 - 9)}\n\n`;
  const whole = text.slice(0, text.length - (text.length % event.length));
  expectEqual(whole, event.repeat(whole.length / event.length));
}

/** Drops the connection in the middle of a call that would not end by itself for long. */
async function leaveAfter(ms: number, connection: HttpConnection, call: HttpCall): Promise<void> {
  const ended = connection.call(call).then(
    ({ status }) => status,
    () => undefined,
  );
  const status = await Promise.race([ended, setTimeout(ms, "left" as const)]);
  connection[Symbol.dispose]();
  if (status !== "left") {
    throw new Error(status === undefined ? "the connection broke" : `ended with status ${status}`);
  }
  await ended;
}

function expectAnswer<Value>(
  { status }: HttpAnswer,
  wantedStatus: number,
  found: Value,
  wanted: Value,
): void {
  if (status !== wantedStatus) {
    throw new Error(`status ${status}`);
  }
  expectEqual(found, wanted);
}

function expectEqual<Value>(found: Value, wanted: Value): void {
  if (found !== wanted) {
    throw new WrongBytes(
      `${String(found).slice(0, 200)} in place of ${String(wanted).slice(0, 200)}`,
    );
  }
}

function hashOf(seed: number, bytes: number): string {
  const digest = createHash("sha256");
  for (const chunk of someBytes(seed, bytes)) {
    digest.update(chunk);
  }
  return digest.digest("hex");
}

function* someBytes(seed: number, bytes: number): Generator<Uint8Array> {
  const blocks = seededBytes(seed);
  for (let left = bytes; left > 0;) {
    const chunk = blocks.next().value.subarray(0, left);
    left -= chunk.length;
    yield chunk;
  }
}
