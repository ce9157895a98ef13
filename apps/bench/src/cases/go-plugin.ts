import type { BenchCase } from "./bench-case.js";
import { bulkOfOwnHandler } from "./bulk.js";
import { requestsOfOwnHandler } from "./requests.js";

const targets = [
  "mux to Go",
  "stream to Go",
  "Go ReverseProxy to Go",
  "Mattermost",
  "ghttp",
  "ghttp streaming",
];

/**
 * One handler of `net/http`: as a plugin, as a server behind the proxy of Go's own library, and on
 * the two ways by which programs in Go serve HTTP from plugins.
 */
export const goPlugin: readonly BenchCase[] = [
  requestsOfOwnHandler(targets, "go-get-64", "small GET of a handler in Go, 64 connections", {
    path: "/small",
    connections: 64,
  }),
  requestsOfOwnHandler(targets, "go-echo-64k", "64 KiB echo of a handler in Go, 64 connections", {
    path: "/echo",
    connections: 64,
    postBytes: 64 * 1024,
  }),
  bulkOfOwnHandler(targets, "go-up", "up", "bulk upload to a handler in Go, 1 connection"),
  bulkOfOwnHandler(targets, "go-down", "down", "bulk download from a handler in Go, 1 connection"),
];
