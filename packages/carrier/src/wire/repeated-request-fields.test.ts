import type { Memo, RequestInit } from "@servehttp/contract";
import { expect, it } from "vitest";
import { WireWriter } from "./wire-writer.js";
import { writeRequestParts } from "./write-parts.js";

const fields = ["Accept", "*/*", "User-Agent", "me"];
const behind = ["traceparent", "00-a-b-01", "baggage", "c=d"];

function encoded(head: Pick<RequestInit, "headers" | "headersBegin" | "headersMemo">): Buffer {
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
