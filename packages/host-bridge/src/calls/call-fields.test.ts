import type { RequestInit } from "@servehttp/contract";
import { expect, it } from "vitest";
import { callFields, forwardedFields } from "./call-fields.js";

const outer: RequestInit = {
  method: "GET",
  url: "/",
  requestUri: "/",
  protocol: "HTTP/1.1",
  protocolMajor: 1,
  protocolMinor: 1,
  host: "notes.example",
  remoteAddress: "192.0.2.1:1000",
  headers: [
    ["Cookie", "secret"],
    ["X-Forwarded-For", "192.0.2.1"],
    ["X-Forwarded-Prefix", "/plugins/notes"],
    ["Forwarded", "for=192.0.2.1"],
    ["traceparent", "00-a-b-01"],
    ["Tracestate", "a=b"],
    ["baggage", "c=d"],
  ].flat(),
  contentLength: 0,
  deadlineUnixMs: 0,
  requestId: "1",
  context: {},
  scheme: "https",
  expectContinue: false,
  hijackable: false,
  basePath: "/plugins/notes",
  fullPath: false,
};

it("takes host and trace context from the exchange, and nothing else", () => {
  expect(callFields(["Host", "localhost", "X-Own", "1"], outer)).toEqual(
    [
      ["Host", "notes.example"],
      ["X-Own", "1"],
      ["traceparent", "00-a-b-01"],
      ["Tracestate", "a=b"],
      ["baggage", "c=d"],
    ].flat(),
  );
});

it("leaves a trace context of the call's own as it is", () => {
  const own = ["traceparent", "00-a-c-01", "tracestate", "e=f"];
  expect(callFields(own, outer)).toEqual(["Host", "notes.example", ...own]);
});

it("drops whatever says who forwarded the request, however it is written", () => {
  for (const name of ["X-Forwarded-For", "x_forwarded_for", "FORWARDED", "X-Real-IP"]) {
    expect(callFields([name, "6.6.6.6"], undefined)).toEqual(["Host", "localhost"]);
  }
});

it("says who forwarded the client's request, without the prefix of the calling plugin", () => {
  expect(forwardedFields(outer)).toEqual(
    [
      ["X-Forwarded-For", "192.0.2.1"],
      ["Forwarded", "for=192.0.2.1"],
    ].flat(),
  );
  expect(forwardedFields(undefined)).toEqual([]);
});

it("names a host also where the client has named none", () => {
  expect(callFields([], { ...outer, host: "", headers: [] })).toEqual(["Host", "localhost"]);
});
