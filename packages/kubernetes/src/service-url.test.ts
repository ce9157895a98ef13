import { expect, it } from "vitest";
import { readServiceUrl } from "./service-url.js";

it.each([
  ["kubernetes:///search", "search", undefined, undefined],
  ["kubernetes:///search:50051", "search", undefined, 50_051],
  ["kubernetes:///search.plugins", "search", "plugins", undefined],
  ["kubernetes:///search.plugins:grpc", "search", "plugins", "grpc"],
  ["kubernetes:///search.plugins.svc:50051", "search", "plugins", 50_051],
  ["kubernetes:///search.plugins.svc.cluster.local:50051", "search", "plugins", 50_051],
])("reads %s", (url, service, namespace, port) => {
  expect(readServiceUrl(url)).toEqual({ service, namespace, port });
});

it.each([
  "kubernetes://search.plugins:50051",
  "kubernetes:///",
  "kubernetes:///Search",
  "kubernetes:///search.plugins.pod:1",
  "kubernetes:///search:0",
  "kubernetes:///search:65536",
  "kubernetes:///search:-grpc",
  "kubernetes:///search/grpc",
  "kubernetes:///search?zone=a",
  "dns:///search:1",
])("refuses %s, and says how to write it", (url) => {
  expect(() => readServiceUrl(url)).toThrow(
    `${JSON.stringify(url)} names no Service: write kubernetes:///service.namespace:port`,
  );
});
