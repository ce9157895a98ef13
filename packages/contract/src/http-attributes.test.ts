import { expect, it } from "vitest";
import {
  httpRequestAttributes,
  type HttpRequestFacts,
  methodAttribute,
  methodSpanName,
} from "./http-attributes.js";

const plain: HttpRequestFacts = {
  method: "GET",
  target: "/notes?page=2",
  scheme: "https",
  host: "example.com:8443",
  clientAddress: "192.0.2.1:50000",
  httpVersion: "1.1",
  userAgent: "curl/8",
};

it("names what is known of a request as the semantic conventions do", () => {
  expect(httpRequestAttributes(plain)).toEqual({
    "http.request.method": "GET",
    "url.scheme": "https",
    "url.path": "/notes",
    "url.query": "page=2",
    "server.address": "example.com",
    "server.port": 8443,
    "client.address": "192.0.2.1",
    "network.protocol.version": "1.1",
    "user_agent.original": "curl/8",
  });
});

it("leaves out what is not known", () => {
  const facts = { ...plain, target: "/?", host: "", clientAddress: "", userAgent: undefined };
  expect(httpRequestAttributes(facts)).toEqual({
    "http.request.method": "GET",
    "url.scheme": "https",
    "url.path": "/",
    "network.protocol.version": "1.1",
  });
});

it("reads addresses of IPv6, and hosts that name no port", () => {
  const facts = { ...plain, host: "[::1]:80", clientAddress: "[2001:db8::1]:0" };
  expect(httpRequestAttributes(facts)).toMatchObject({
    "server.address": "::1",
    "server.port": 80,
    "client.address": "2001:db8::1",
  });
  expect(httpRequestAttributes({ ...plain, host: "localhost" })).not.toHaveProperty("server.port");
});

it("lets no client make up methods", () => {
  expect([methodAttribute("PURGE"), methodSpanName("PURGE")]).toEqual(["_OTHER", "HTTP"]);
  expect([methodAttribute("get"), methodSpanName("QUERY")]).toEqual(["_OTHER", "QUERY"]);
  expect(httpRequestAttributes({ ...plain, method: "PURGE" })).toMatchObject({
    "http.request.method": "_OTHER",
    "http.request.method_original": "PURGE",
  });
});

it("keeps signatures of signed urls out", () => {
  const target = "/file?sig=abc&x=1&Signature=d%3D&xsig=2&AWSAccessKeyId=k&X-Goog-Signature=";
  expect(httpRequestAttributes({ ...plain, target })["url.query"]).toBe(
    "sig=REDACTED&x=1&Signature=REDACTED&xsig=2&AWSAccessKeyId=REDACTED&X-Goog-Signature=REDACTED",
  );
});
