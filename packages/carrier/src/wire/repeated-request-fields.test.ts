import type { Memo, RepeatedHead, RequestInit } from "@servehttp/contract";
import { expect, it } from "vitest";
import { readRequestMessage } from "./read-parts.js";
import { WireReader } from "./wire-reader.js";
import { grpcPrefixBytes, WireWriter } from "./wire-writer.js";
import { writeRequestParts } from "./write-parts.js";

const fields = ["Accept", "*/*", "User-Agent", "me"];
const behind = ["traceparent", "00-a-b-01", "baggage", "c=d"];

function encoded(head: Partial<RequestInit>): Buffer {
  const writer = new WireWriter();
  writer.beginMessage();
  writeRequestParts(writer, { init: { ...plain, ...head } });
  return Buffer.concat(writer.endMessage());
}

it("encodes fields that come again once, and those behind them each time", () => {
  const memo: Memo = { of: fields, made: undefined };
  const all = [...fields, ...behind];
  const expected = encoded({ headers: all });
  for (let time = 0; time < 2; time++) {
    const head = { headers: all, headersBegin: fields, headersMemo: memo };
    expect(encoded(head)).toEqual(expected);
  }
  expect(memo.made).toBeInstanceOf(Buffer);
  expect(encoded({ headers: fields, headersMemo: memo })).toEqual(encoded({ headers: fields }));
});

it("encodes what a client repeats once, and what is new in each request each time", () => {
  const repeats: RepeatedHead = { init: { ...plain, headers: fields }, encoded: undefined };
  const first = { ...repeats.init, repeats };
  const second = { ...first, requestId: "r-2", deadlineUnixMs: 5, context: { a: "ü" } };
  for (const init of [first, second, first]) {
    const { parts } = readRequestMessage(new WireReader(encoded(init), grpcPrefixBytes));
    const { repeats: _, ...expected } = init;
    expect(parts.init).toEqual({ ...expected, clientConnectionId: undefined });
    expect(encoded(init)).toEqual(encoded({ ...init, repeats: undefined }));
  }
  const once = repeats.encoded;
  expect(once).toBeInstanceOf(Buffer);
  encoded(second);
  expect(repeats.encoded).toBe(once);
});

it("encodes all fields where the memo is that of others", () => {
  const memo: Memo = { of: ["Accept", "text/html"], made: undefined };
  const all = [...fields, ...behind];
  const head = { headers: all, headersBegin: fields, headersMemo: memo };
  expect(encoded(head)).toEqual(encoded({ headers: all }));
  expect(memo.made).toBeUndefined();
});

const plain: RequestInit = {
  method: "GET",
  url: "/",
  requestUri: "/",
  basePath: "",
  fullPath: false,
  protocol: "HTTP/1.1",
  protocolMajor: 1,
  protocolMinor: 1,
  host: "a.test",
  remoteAddress: "192.0.2.1:1",
  headers: [],
  contentLength: 0,
  deadlineUnixMs: 0,
  requestId: "r-1",
  context: {},
  scheme: "http",
  expectContinue: false,
  hijackable: false,
};
